"""The copy of the catalogue is the catalogue."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.catalogue import HERE, SERVED, endpoints, load

REFERENCE = HERE.parents[2] / "shared" / "api"


@pytest.mark.parametrize("name", ["endpoints.yaml", "errors.yaml", "events.yaml", "components.yaml"])
def test_the_copy_equals_the_reference(name: str) -> None:
    """Where the reference lies beside the clone, our copy has not drifted from it."""
    copy = (HERE / name).read_bytes()
    reference: Path = REFERENCE / name
    assert load(name), f"{name} is empty"
    if reference.is_file():
        assert copy == reference.read_bytes(), f"copy {name} from the reference again"


def test_every_service_of_the_served_groups_is_tested() -> None:
    """The catalogue has 22 services under the beginnings that are served."""
    paths = {endpoint.path for endpoint in endpoints()}
    assert len(paths) == 22
    assert all(path.startswith(SERVED) for path in paths)
