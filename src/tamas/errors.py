"""The base of every failure that Tamas expects."""

from __future__ import annotations


class TamasError(Exception):
    """Something went wrong that a caller can be told about in plain words."""


class SetupError(TamasError):
    """A setting, or something on this machine, has to change first; trying again would not help."""
