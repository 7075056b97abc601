"""The copy of the catalogue is the catalogue."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.catalogue import COMPLETE, HERE, OURS, load, unserved
from tamas.sa.app import declared_services

REFERENCE = HERE.parents[2] / "shared" / "api"


@pytest.mark.parametrize("name", ["endpoints.yaml", "errors.yaml", "events.yaml", "components.yaml"])
def test_the_copy_equals_the_reference(name: str) -> None:
    """Where the reference lies beside the clone, our copy has not drifted from it."""
    copy = (HERE / name).read_bytes()
    reference: Path = REFERENCE / name
    assert load(name), f"{name} is empty"
    if reference.is_file():
        assert copy == reference.read_bytes(), f"copy {name} from the reference again"


def test_every_service_of_the_complete_groups_is_served() -> None:
    """Nothing of the groups that are finished is missing; beyond the catalogue only what we say is served."""
    assert [path for path in unserved() if path.startswith(COMPLETE)] == []
    known = {entry["path"] for entry in load("endpoints.yaml")["endpoints"]}
    assert {service.path for service in declared_services()} - known == OURS
