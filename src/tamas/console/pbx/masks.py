"""Secrets inside free-form settings: hidden where they are shown, put back where they come back hidden.

A register string hides its secret, a text of option lines the values of lines that name a secret, also of
those that have no effect. Hidden parts that are sent back keep what is stored, whatever else has changed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tamas.console.errors import Invalid
from tamas.sa.pbx.users import MASK

_SCHEME = re.compile(r"\s*(?:sips?:|(?:udp|tcp|tls)://)?", re.IGNORECASE)
_OPTION = re.compile(r"(?P<before>[;#\s]*(?P<key>[^=]*?)\s*=>?\s*)(?P<value>.*)", re.DOTALL)
_SECRET_WORDS = ("secret", "passw", "pwd")
# The old SIP driver's lines auth=user:secret@realm and register=user:secret@host.
_SECRET_KEYS = frozenset({"auth", "register"})


@dataclass(frozen=True, kw_only=True)
class _Secret:
    """A secret in a text, and what stands around it."""

    key: str
    before: str
    value: str
    after: str = ""

    def with_value(self, value: str) -> str:
        return f"{self.before}{value}{self.after}"


def hide_in_registration(text: str) -> str:
    """A register string with its secret hidden."""
    found = _in_registration(text)
    return text if found is None else found.with_value(MASK)


def restore_registration(sent: str, stored: str) -> str:
    """A register string that was sent, its secret being the stored one where it is hidden.

    :raises Invalid: it is hidden and none is stored.
    """
    found = _in_registration(sent)
    if found is None or found.value != MASK:
        return sent
    known = _in_registration(stored)
    if known is None:
        raise _unknown("register_string")
    return found.with_value(known.value)


def hide_in_options(text: str) -> str:
    """Option lines with the secrets in them hidden."""
    return "\n".join(
        line if (found := _in_option(line)) is None else found.with_value(MASK) for line in text.split("\n")
    )


def restore_options(sent: str, stored: str) -> str:
    """Option lines that were sent, secrets being the stored ones where they are hidden.

    :raises Invalid: one is hidden and it cannot be told which one it is.
    """
    lines = sent.split("\n")
    found = [_in_option(line) for line in lines]
    known = [secret for line in stored.split("\n") if (secret := _in_option(line)) is not None]
    for index, secret in enumerate(found):
        if secret is not None and secret.value == MASK:
            lines[index] = secret.with_value(_stored_value(found, index, secret.key, known))
    return "\n".join(lines)


def secrets_in(*, registration: str = "", options: str = "") -> tuple[str, ...]:
    """The secrets themselves, to tell whether one has changed."""
    found = [_in_registration(registration), *map(_in_option, options.split("\n"))]
    return tuple(secret.value for secret in found if secret is not None)


def _stored_value(found: Sequence[_Secret | None], index: int, key: str, known: Sequence[_Secret]) -> str:
    """The stored value of a hidden line: the one at its place among the lines of its key."""
    values = [secret.value for secret in known if secret.key == key]
    places = [place for place, secret in enumerate(found) if secret is not None and secret.key == key]
    if len(values) == len(places):
        return values[places.index(index)]
    if len(set(values)) == 1:
        return values[0]
    raise _unknown("more_options")


def _in_registration(text: str) -> _Secret | None:
    """The secret of ``user[@domain][:secret[:authuser]]@host…``; of anything else, all after a colon."""
    scheme = _SCHEME.match(text)
    start = scheme.end() if scheme else 0
    account, at, target = text[start:].rpartition("@")
    user, colon, rest = (account if at else target).partition(":")
    secret, auth_colon, auth_user = rest.rpartition(":") if at else (rest, "", "")
    if not auth_colon:
        secret, auth_user = rest, ""
    if not secret:
        return None
    after = f"{auth_colon}{auth_user}{at}{target}" if at else ""
    return _Secret(key="register", before=f"{text[:start]}{user}{colon}", value=secret, after=after)


def _in_option(line: str) -> _Secret | None:
    option = _OPTION.fullmatch(line)
    if option is None or not option["value"].strip():
        return None
    key = option["key"].strip().lower()
    if key not in _SECRET_KEYS and not any(word in key for word in _SECRET_WORDS):
        return None
    return _Secret(key=key, before=option["before"], value=option["value"].strip())


def _unknown(field: str) -> Invalid:
    return Invalid("the hidden secret is not known: it must be written out", field=field)
