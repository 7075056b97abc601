"""Tones: made, encoded, recognised."""

from __future__ import annotations

import math
import random

import pytest

from tamas.demo.tone import (
    FRAME_SAMPLES,
    SAMPLE_RATE,
    WINDOW_SAMPLES,
    Listener,
    decode_sample,
    encode_sample,
    one_second,
    tone_share,
)


@pytest.mark.parametrize(
    ("sample", "code"), [(0, 0xFF), (-1, 0x7F), (32635, 0x80), (-32635, 0x00), (132, 0xEF)]
)
def test_known_codes(sample: int, code: int) -> None:
    """The corners of G.711's µ-law table: zero, silence below zero, both ends, the second segment."""
    assert encode_sample(sample) == code


def test_each_code_survives_a_round_trip() -> None:
    """Decoding and encoding gives every code back, but for negative zero."""
    assert [encode_sample(decode_sample(code)) for code in range(256) if code != 0x7F] == [
        code for code in range(256) if code != 0x7F
    ]


@pytest.mark.parametrize("hz", [300, 440, 660, 1000, 2000, 3400])
def test_a_tone_is_recognised_and_others_are_not(hz: int) -> None:
    """Nearly all power of a tone lies on its own frequency."""
    samples = [decode_sample(code) for code in one_second(hz)[:WINDOW_SAMPLES]]
    assert tone_share(samples, hz) > 0.98
    assert tone_share(samples, hz + 100) < 0.05
    assert tone_share(samples, hz - 50) < 0.1


def test_speech_like_noise_is_no_tone() -> None:
    """Noise spreads over all frequencies."""
    noise = random.Random(4)  # noqa: S311
    samples = [noise.randrange(-8000, 8000) for _ in range(WINDOW_SAMPLES)]
    assert all(tone_share(samples, hz) < 0.2 for hz in range(200, 3400, 40))


def test_silence_is_no_tone() -> None:
    """Faint hum below the threshold does not count, and nothing divides by zero."""
    assert tone_share([0] * WINDOW_SAMPLES, 440) == 0
    assert tone_share([], 440) == 0
    faint = [round(20 * math.sin(2 * math.pi * 440 * n / SAMPLE_RATE)) for n in range(WINDOW_SAMPLES)]
    assert tone_share(faint, 440) == 0


def test_a_listener_needs_a_third_of_a_second() -> None:
    """Two windows of tone between silences are not enough, three are; later silence ends `hears` only."""
    listener = Listener()
    listener.add(one_second(0))
    listener.add(one_second(440)[: 2 * WINDOW_SAMPLES])
    listener.add(one_second(0))
    assert not listener.heard(440)
    tone = one_second(440)[: 3 * WINDOW_SAMPLES]
    for begin in range(0, len(tone), FRAME_SAMPLES):
        listener.add(tone[begin : begin + FRAME_SAMPLES])
    assert listener.heard(440)
    assert listener.hears(440)
    listener.add(one_second(0)[:WINDOW_SAMPLES])
    assert listener.heard(440)
    assert not listener.hears(440)
    assert not listener.heard(660)


def test_a_listener_keeps_a_bounded_amount() -> None:
    """Ten minutes of audio do not stay in memory, and counting goes on."""
    listener = Listener(keep_seconds=1.0)
    for _ in range(20):
        listener.add(one_second(440))
    assert listener.seconds == 20
    assert len(listener._audio) <= 2 * SAMPLE_RATE
    assert listener.heard(440)
