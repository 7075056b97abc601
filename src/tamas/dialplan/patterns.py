"""Which row takes a number: patterns of Outgoing Route and IVR, and the CID/DID rows of Incoming Route.

The syntax is Asterisk's without the leading underscore (dialplan specification, section 3). Rows are compared
here, not by Asterisk, so a pattern never reaches a dialplan file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

MAX_LENGTH: Final = 80
"""Characters of a pattern or number: what Asterisk keeps of an extension."""

_DIGITS: Final = frozenset("0123456789")
_CLASSES: Final = {"X": _DIGITS, "Z": _DIGITS - {"0"}, "N": _DIGITS - {"0", "1"}}
_MANY: Final = {".": 1, "!": 0}
"""Tokens that stand for the rest of the text: at least so many characters."""
_SPECIAL: Final = frozenset("XxZzNn[.!")

# Weights of what comes after the last single character. Asterisk sorts them in this order, behind all sets.
_DOT, _BANG, _END = 1_000, 2_000, 3_000


class _Wrong(ValueError):
    """A pattern has a fault; the text says which."""


@dataclass(frozen=True, kw_only=True)
class _Pattern:
    places: tuple[frozenset[str], ...]
    """Characters accepted at each position."""
    at_least: int | None
    """Characters that must follow, of any kind and number; ``None``: none may."""
    literal: bool

    @property
    def order(self) -> tuple[int, ...]:
        """Smaller is more specific."""
        tail = {None: _END, 1: _DOT, 0: _BANG}[self.at_least]
        return (0 if self.literal else 1, *(len(place) for place in self.places), tail)

    def accepts(self, text: str) -> bool:
        rest = len(text) - len(self.places)
        if rest < (self.at_least or 0) or (self.at_least is None and rest > 0):
            return False
        return all(character in place for character, place in zip(text, self.places, strict=False))


def pattern_problem(text: str) -> str | None:
    """What is wrong with a pattern; ``None``: it can be used."""
    try:
        _parse(text)
    except _Wrong as error:
        return str(error)
    return None


def best_match(patterns: Sequence[str], text: str) -> int | None:
    """Index of the pattern that takes ``text``; ``None``: none does.

    A literal wins over every pattern. Among patterns the first position where they differ decides, and the
    smaller set of characters wins there (a character, ``N``, ``Z``, ``X``), then ``.``, then ``!``, as
    Asterisk sorts them. Equals: the first one. Patterns with a fault take nothing.
    """
    found: list[tuple[tuple[int, ...], int]] = []
    for index, pattern in enumerate(patterns):
        try:
            parsed = _parse(pattern)
        except _Wrong:
            continue
        if parsed.accepts(text):
            found.append((parsed.order, index))
    return min(found)[1] if found else None


@lru_cache(maxsize=4_096)
def _parse(text: str) -> _Pattern:
    if not text:
        raise _Wrong("a pattern is missing")
    if len(text) > MAX_LENGTH:
        raise _Wrong(f"a pattern has at most {MAX_LENGTH} characters")
    if any(character.isspace() or not character.isprintable() for character in text):
        raise _Wrong("a pattern has no spaces or control characters")
    places: list[frozenset[str]] = []
    position = 0
    while position < len(text):
        character = text[position]
        if character in _MANY:
            if position != len(text) - 1:
                raise _Wrong(f"{character} stands only at the end of a pattern")
            at_least = _MANY[character]
            return _Pattern(places=tuple(places), at_least=at_least, literal=False)
        if character == "[":
            closing = text.find("]", position)
            if closing < 0:
                raise _Wrong("[ has no ]")
            places.append(_set(text[position + 1 : closing]))
            position = closing
        elif character == "]":
            raise _Wrong("] has no [")
        elif character != "-":
            places.append(_CLASSES.get(character.upper(), frozenset(character)))
        position += 1
    if not places:
        raise _Wrong("a pattern needs something besides -")
    return _Pattern(places=tuple(places), at_least=None, literal=not _SPECIAL.intersection(text))


def _set(inside: str) -> frozenset[str]:
    """Characters of what stands between brackets: single ones and ranges."""
    if not inside:
        raise _Wrong("[] accepts nothing")
    accepted: set[str] = set()
    position = 0
    while position < len(inside):
        first = inside[position]
        if inside[position + 1 : position + 2] == "-" and position + 2 < len(inside):
            last = inside[position + 2]
            if not (first.isascii() and last.isascii()):
                raise _Wrong(f"the range {first}-{last} is not of plain letters or digits")
            if last < first:
                raise _Wrong(f"the range {first}-{last} runs backwards")
            accepted.update(chr(code) for code in range(ord(first), ord(last) + 1))
            position += 3
        else:
            accepted.add(first)
            position += 1
    return frozenset(accepted)


# -- incoming rows -----------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Field:
    text: str
    """What stands between the ``x``."""
    front: bool
    back: bool

    @property
    def any(self) -> bool:
        return not self.text

    @property
    def exact(self) -> bool:
        return bool(self.text) and not (self.front or self.back)

    def accepts(self, number: str) -> bool:
        if self.front and self.back:
            return self.text in number
        if self.front:
            return number.endswith(self.text)
        if self.back:
            return number.startswith(self.text)
        return self.any or number == self.text


def incoming_problem(text: str) -> str | None:
    """What is wrong with a CID or DID of an incoming row; ``None``: it can be used. Empty means any."""
    if len(text) > MAX_LENGTH:
        return f"a number has at most {MAX_LENGTH} characters"
    if any(character.isspace() or not character.isprintable() for character in text):
        return "a number has no spaces or control characters"
    # A name such as "taxi" may contain it; a number cannot, so a pattern was meant.
    inner = text.strip("xX")
    if "X" in inner.upper() and not set(inner.upper()) - set("0123456789+*#X"):
        return "x stands only at the front or the back of a number"
    return None


def incoming_match(rows: Sequence[tuple[str, str]], cid: str, did: str) -> int | None:
    """Index of the (CID, DID) row that takes a call; ``None``: none does.

    ``x`` at the front or back of a field stands for any run of characters, also none; an empty field for any
    number. Order: exact DID and CID, exact DID, exact CID, DID with ``x``, CID with ``x``, any; equals: the
    first one.
    """
    found: list[tuple[int, int]] = []
    for index, (cid_text, did_text) in enumerate(rows):
        own_cid, own_did = _field(cid_text), _field(did_text)
        if own_cid.accepts(cid) and own_did.accepts(did):
            found.append((_rank(own_cid, own_did), index))
    return min(found)[1] if found else None


def _field(text: str) -> _Field:
    return _Field(text=text.strip("xX"), front=text[:1] in ("x", "X"), back=text[-1:] in ("x", "X"))


def _rank(cid: _Field, did: _Field) -> int:
    order = (did.exact and cid.exact, did.exact, cid.exact, not did.any, not cid.any)
    return order.index(True) if True in order else len(order)
