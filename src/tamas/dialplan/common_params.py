"""Parameters that several components have, declared once (dialplan specification, section 7)."""

from __future__ import annotations

from typing import Annotated

from tamas.dialplan.component import Param, Ref

Skip = Annotated[int, Param(label="Skip", help="Characters cut off in front of the entered number.", high=32)]
"""Applied first, and only where the component names no target of its own."""
Prefix = Annotated[str, Param(label="Prefix", help="Put in front afterwards.", ref=Ref.NUMBER, max_length=20)]
RingTime = Annotated[int, Param(label="Ring time", unit="seconds", low=1, high=3600)]
LongestTalk = Annotated[int, Param(label="Longest talk", unit="seconds", help="0: no limit.")]
DialOptions = Annotated[
    str,
    Param(
        label="Dial options",
        ref=Ref.OPTIONS,
        application="Dial",
        help="Empty: the usual ones.",
        max_length=40,
    ),
]
"""Letters, by the list of :mod:`tamas.dialplan.application_options`."""
