"""What a call carries through the graph (dialplan specification, section 4), and its form on the channel."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote, unquote

import msgspec

VARIABLE: Final = "TAMAS_STATE"
MAX_BYTES: Final = 1_400
"""Of the written state; longer fields are refused where they come from."""


class CallState(msgspec.Struct, omit_defaults=True, kw_only=True):
    """Changes as the call walks; written on the channel with each node, so that another process can go on."""

    type: str = ""
    """incoming, outgoing, local or feature."""
    src: str = ""
    """Caller number as reported."""
    src_name: str = ""
    exten: str = ""
    """The entered number: dialed, later changed by speed dial, Corrector, SetExten."""
    dst: str = ""
    """Where it goes, as stated last."""
    did: str = ""
    """Number dialed on the trunk."""
    data: str = ""
    """Digits last typed by the caller."""
    context: str = ""
    """Of the Outgoing or Incoming Route it entered."""
    phone: str = ""
    """Extension whose rights the call has; empty: nobody's."""
    queue: str = ""
    """Last queue."""
    hops: str = ""
    """Extensions that were rung and forwarded, joined by ``-``."""
    next_limit: int = 0
    """Seconds of talk of the next connected call (SetLimitOnCall); 0: none."""
    steps: int = 0
    """Nodes walked so far."""
    failed: str = ""
    """Why the last party could not be reached; empty when it was."""
    cause: int = 0
    """Q.850 cause of that."""
    started: bool = False
    """Whether anybody could be called at all."""
    definite: bool = False
    """Whether our own answer counts as one in the reports."""
    talked: bool = False
    """Whether somebody was connected."""

    @property
    def effective_number(self) -> str:
        """What a component without a target of its own takes."""
        return self.data or self.exten


_FIELDS: Final = {field.name: field for field in msgspec.structs.fields(CallState)}


def write_state(state: CallState) -> str:
    """The state as one word without commas, quotes or spaces: ``exten=201/data=5``."""
    values = msgspec.to_builtins(state)
    return "/".join(f"{name}={quote(str(value), safe='')}" for name, value in values.items())


def read_state(text: str) -> CallState:
    """The state of :func:`write_state`; what cannot be read is left at its default."""
    found: dict[str, str] = {}
    for part in text.split("/") if text else ():
        name, _, value = part.partition("=")
        if name in _FIELDS:
            found[name] = unquote(value)
    try:
        return msgspec.convert(found, CallState, strict=False)
    except msgspec.ValidationError:
        return CallState(exten=found.get("exten", ""))
