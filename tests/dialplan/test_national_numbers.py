"""Forms of caller numbers."""

from __future__ import annotations

import pytest

from tamas.dialplan.national_numbers import national_number


@pytest.mark.parametrize(
    "given",
    [
        "+982188123456",
        "00982188123456",
        "982188123456",
        "02188123456",
        "2188123456",
        "88123456",
        "+98 (21) 8812-3456",
    ],
)
def test_every_way_a_trunk_writes_a_number_of_the_region(given: str) -> None:
    """A caller from the own region has one local and one national form, however the trunk writes it."""
    number = national_number(given, country="98", region="21")
    assert number is not None
    assert (number.local, number.national) == ("88123456", "02188123456")


@pytest.mark.parametrize(
    "given", ["+989121234567", "00989121234567", "989121234567", "09121234567", "9121234567"]
)
def test_a_mobile_number_keeps_its_code(given: str) -> None:
    """A number of another area keeps its area code in both forms."""
    number = national_number(given, country="98", region="21")
    assert number is not None
    assert (number.local, number.national) == ("09121234567", "09121234567")


def test_another_country_keeps_its_code() -> None:
    """A foreign number begins with 00 and its country."""
    number = national_number("+493012345", country="98", region="21")
    assert number is not None
    assert number.local == "00493012345"
    assert not number.begins_with("49")


def test_nothing_is_known_of_the_place() -> None:
    """Without codes set, numbers stay as they are."""
    number = national_number("88123456", country="", region="")
    assert number is not None
    assert number.local == "88123456"


@pytest.mark.parametrize("given", ["", "anonymous", "12a", "*5"])
def test_no_number(given: str) -> None:
    """A hidden caller has no number."""
    assert national_number(given, country="98", region="21") is None
