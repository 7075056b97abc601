"""Asking an integrator's web service what to do with a call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tamas.errors import TamasError


class WebServiceFailed(TamasError):
    """No usable answer; the text says why."""


class WebServices:
    """One pooled client for all calls."""

    async def ask(
        self, address: str, fields: Mapping[str, str], runtime: Mapping[str, Any]
    ) -> dict[str, Any]:
        """The JSON object that answers ``fields``, with a truthy ``ok``.

        :raises WebServiceFailed: there is none.
        """
        raise WebServiceFailed(f"{address}: not there yet, {len(fields)} {len(runtime)}")
