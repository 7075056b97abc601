"""What the OpenAPI document says of report rows holds for rows of real calls."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import msgspec
import pytest

from sa.reports.conftest import EVER, Reports
from tamas.sa.app import declared_services
from tamas.sa.openapi import openapi_document

SERVICES = [
    service
    for service in declared_services()
    if service.path.startswith("reports/") and service.op in ("search", "read")
]


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: str(service.path))
async def test_rows_fit_their_description(reports: Reports, service: Any) -> None:
    """Every row of every report, whatever keys its call gave it, is as the document describes it."""
    body: dict[str, Any] = {"alike": False, "date_range": EVER, "pagination": {"count": 500}}
    if service.path == "reports/quick/info":
        body = {"cuid": reports.cuids["queue_ringall"]}
    answer = (await reports.api.raw(service.path, body)).json()
    document = msgspec.json.decode(openapi_document(declared_services(), "http://tamas"))
    (path,) = (path for path in document["paths"] if path.endswith(f"/{service.path}"))
    content = document["paths"][path]["post"]["responses"]["200"]["content"]
    done = content["application/json"]["schema"]["anyOf"][0]
    assert "_id" in str(done)
    jsonschema_rs.validate(done, answer)
    assert answer["data"]
