"""The text of the fixed dialplan. What it does is proven in tests/dialplan."""

from __future__ import annotations

import re
from pathlib import Path

from tamas.engine.fixed_dialplan import agi_url_conf, extensions_conf

TEXT = extensions_conf(
    agi_url_file=Path("/state/asterisk/etc/tamas_agi.conf"),
    fallback_number="205",
    fax_dir=Path("/state/faxes"),
    received_fax_dir=Path("/state/faxes/received"),
    dialer_sounds=Path("/state/dialer-sounds"),
    custom_plans=Path("/state/asterisk/custom-plans"),
)
PATTERNS = re.findall(r"^exten => ([^,]+),", TEXT, re.MULTILINE)


def test_no_catch_all_takes_the_hangup_extension() -> None:
    """``_.`` would also match ``h``; ``h`` stands in each context with a pattern and ends at once."""
    assert "_." not in PATTERNS
    # With ! a number typed for a transfer would end at its first digit.
    assert not [pattern for pattern in PATTERNS if pattern.endswith("!")]
    contexts = TEXT.split("\n[")
    for context in contexts:
        if "exten => _" in context:
            assert "exten => h,1,Hangup()" in context


def test_foreign_values_only_stand_inside_filters() -> None:
    """The dialed number, caller ids and words of a fax machine appear only in what takes them as text."""
    rest = re.sub(r"\$\{URIENCODE\(\.\$\{\w+\}\)\}", "", TEXT)
    rest = re.sub(r"\$\{(?:FILTER\(0-9,|LEN\()\$\{EXTEN\}\)\}", "", rest)
    rest = re.sub(r'\$\{REGEX\("[^"]*" [^?]*\)\}\?', "", rest)
    for foreign in ("${EXTEN}", "CALLERID", "CONNECTEDLINE", "REDIRECTING", "STATIONID}"):
        assert foreign not in rest


def test_every_call_is_guarded_before_agi() -> None:
    """The guard against line breaks stands before each AGI."""
    for context in TEXT.split("\n["):
        if "/call," in context:
            assert context.index("[[:cntrl:]]") < context.index("/call,")


def test_globals() -> None:
    """URL and fallback are global variables, so that an adopted Asterisk can be told others."""
    assert '#include "/state/asterisk/etc/tamas_agi.conf"\n' in TEXT
    assert agi_url_conf("agi://127.0.0.1:4573") == "TAMAS_AGI = agi://127.0.0.1:4573\n"
    assert "TAMAS_FALLBACK = 205\n" in TEXT
