"""Many values in statements that take some: databases limit the parameters of one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

AT_ONCE: Final = 500


def portions(values: Iterable[str], size: int = AT_ONCE) -> list[list[str]]:
    """Values in lists of at most ``size``, in their order; none: no list."""
    listed = list(values)
    return [listed[start : start + size] for start in range(0, len(listed), size)]
