"""How long to wait before trying a peer again: a pure decision, carried out by the connection's owner."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class BackOff:
    """Exponential waiting with a cap and jitter.

    The ceiling of wait number ``n`` (0-based) is ``first * factor ** n``, at most ``cap``; the wait itself
    lies in the upper half of that, so that many clients of one dead peer neither rush nor march in step.
    Example with the defaults and a draw of 0.5: 0.0375, 0.075, 0.15, 0.3, 0.6, 1.2, 1.5, 1.5 … seconds.
    """

    first: float = 0.05
    """Ceiling of the first wait, seconds."""
    factor: float = 2.0
    """Growth from one failure to the next."""
    cap: float = 2.0
    """Largest ceiling, seconds."""

    def delay(self, failures: int, draw: float) -> float:
        """Return seconds to wait after ``failures`` earlier failures in a row.

        ``draw`` is a uniformly random number in [0, 1), given by the caller so that tests can choose it.
        """
        if failures < 0:
            raise ValueError("failures cannot be negative")
        try:
            ceiling = min(self.cap, self.first * self.factor**failures)
        except OverflowError:
            ceiling = self.cap
        return ceiling * (0.5 + 0.5 * draw)
