"""Reading Asterisk's log: levels, lost records, rotation."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from tamas.engine import log_tail
from tamas.engine.log_tail import READ_BYTES, AsteriskLine, AsteriskLog, FileTail, parse_line

HEAD = "[2026-11-23 06:24:27.437] "


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            f"{HEAD}WARNING[12][C-0000001f] app_dial.c: Unable to dial",
            AsteriskLine(level=logging.WARNING, text="C-0000001f app_dial.c: Unable to dial"),
        ),
        (f"{HEAD}NOTICE[4] x.c: hello", AsteriskLine(level=logging.INFO, text="x.c: hello")),
        (f"{HEAD}ERROR[4]: x.c: hello", AsteriskLine(level=logging.ERROR, text="x.c: hello")),
        (f"{HEAD}Asterisk 22 built by x", AsteriskLine(level=logging.DEBUG, text="Asterisk 22 built by x")),
        (
            f"{HEAD}WARNING[4][C-00000004] res_fax.c: channel 'x' refused to negotiate T.38",
            AsteriskLine(
                level=logging.INFO, text="C-00000004 res_fax.c: channel 'x' refused to negotiate T.38"
            ),
        ),
        (
            f"{HEAD}ERROR[4][C-00000004] res_fax.c: error reading frame",
            AsteriskLine(level=logging.INFO, text="C-00000004 res_fax.c: error reading frame"),
        ),
        (f"{HEAD}ERROR[4] res_fax.c: x", AsteriskLine(level=logging.ERROR, text="res_fax.c: x")),
        ("  second line", AsteriskLine(level=logging.ERROR, text="  second line")),
    ],
)
def test_line_keeps_its_weight(line: str, expected: AsteriskLine) -> None:
    """Asterisk's levels become ours; a line without a head belongs to the one before it."""
    assert parse_line(line, previous=logging.ERROR) == expected


@pytest.mark.parametrize(
    ("text", "lost"),
    [
        ("cel_odbc.c: Insert failed on 'tamas-records:cel'.  CEL failed: INSERT INTO cel", True),
        ("cdr_adaptive_odbc.c: cdr_adaptive_odbc: Insert failed on 'a:cdr'.  CDR failed: INSERT", True),
        ("cel_odbc.c: Unable to retrieve database handle for 'a:cel'.  CEL failed: INSERT", True),
        ("cel_odbc.c: Unable to lock table list.  Insert CEL(s) failed.", True),
        ("app_dial.c: Unable to create channel of type 'PJSIP'", False),
        ("chan_pjsip.c: the call failed: busy", False),
    ],
)
def test_lost_record_is_recognised(text: str, lost: bool) -> None:
    """The sentences with which Asterisk gives a record up, and no others, raise the alarm."""
    assert AsteriskLine(level=logging.ERROR, text=text).lost_record is lost


def test_tail_begins_at_the_end_and_waits_for_whole_lines(tmp_path: Path) -> None:
    """What was there before is old news; half a line waits for its end."""
    path = tmp_path / "log"
    path.write_text("old\n")
    tail = FileTail(path)
    with path.open("a") as log:
        log.write("new\nha")
        log.flush()
        assert tail.read() == ["new"]
        log.write("lf\n")
        log.flush()
        assert tail.read() == ["half"]
    assert tail.read() == []
    tail.close()


def test_tail_loses_nothing_when_its_file_is_put_aside(tmp_path: Path) -> None:
    """The rest of the old file is read, then the new one from its beginning; so is one that comes late."""
    path = tmp_path / "log"
    tail = FileTail(path)
    assert tail.read() == []
    path.write_text("1\n")
    assert tail.read() == ["1"]
    with path.open("a") as old:
        path.rename(tmp_path / "log.1")
        old.write("2\n")
        old.flush()
        path.write_text("3\n")
        assert tail.read() == ["2"]
        assert tail.read() == ["3"]
    path.write_text("")
    assert tail.read() == []
    path.write_text("4\n")
    assert tail.read() == ["4"]
    tail.close()


def test_tail_takes_much_in_portions(tmp_path: Path) -> None:
    """A flood is passed on piece by piece, and nothing of it is lost."""
    path = tmp_path / "log"
    tail = FileTail(path)
    count = READ_BYTES // 20
    path.write_text("".join(f"line number {number:08}\n" for number in range(count)))
    portions = []
    while portion := tail.read():
        portions.append(portion)
    assert len(portions) > 1
    assert sum(map(len, portions)) == count
    tail.close()


LOST = "cel_odbc.c: Insert failed on 'tamas-records:cel'.  CEL failed: INSERT"


class _Reader:
    """One process after the other that reads the same log."""

    def __init__(self, folder: Path) -> None:
        self.messages = folder / "messages.log"
        self._folder = folder

    def log(self, text: str) -> None:
        """Asterisk writes a line."""
        with self.messages.open("a") as file:
            file.write(f"{HEAD}ERROR[4] {text}\n")

    def lost(self, *, then: int = 0) -> list[str]:
        """A process begins, reads everything, and is killed; ``then`` makes it put its log aside before."""
        found: list[str] = []
        process = AsteriskLog(
            messages=self.messages,
            output=self._folder / "output.log",
            position=self._folder / "engine-log.json",
            on_lost_record=found.append,
        )
        while process.carry():
            pass
        for _ in range(then):
            assert process.rotate()
        process.close()
        return found


def test_records_lost_while_nobody_read_raise_the_alarm_later(tmp_path: Path) -> None:
    """The first process begins at the end; each later one where the one before was killed."""
    reader = _Reader(tmp_path)
    reader.log(LOST + " before us")
    assert reader.lost() == []
    reader.log("x.c: hello")
    reader.log(LOST)
    reader.log(LOST)
    assert reader.lost() == [LOST, LOST]
    assert reader.lost() == []
    (tmp_path / "engine-log.json").write_text("{")
    assert reader.lost() == [], "what cannot be understood is no position"


def test_a_log_put_aside_before_the_death_is_read_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asterisk wrote on into the renamed file, then into a new one: both are read, in order."""
    monkeypatch.setattr(log_tail, "MAX_FILE_BYTES", 1)
    reader = _Reader(tmp_path)
    reader.log("x.c: hello")
    assert reader.lost(then=1) == []
    with (tmp_path / "messages.log.1").open("a") as aside:
        aside.write(f"{HEAD}ERROR[4] {LOST} 1\n")
    reader.log(LOST + " 2")
    assert reader.lost() == [LOST + " 1", LOST + " 2"]
    reader.messages.unlink()
    (tmp_path / "messages.log.1").unlink()
    reader.log(LOST + " 3")
    reader.log(LOST + " 4")
    assert reader.lost()[-1] == LOST + " 4", "a file of another name is read from its beginning"
