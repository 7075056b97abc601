"""The table of services and their tests tells the truth."""

from __future__ import annotations

from conformance.catalogue import endpoints
from conformance.service_table import DOCUMENT, own_tests, service_table


def test_the_table_in_the_docs_is_up_to_date() -> None:
    """``docs/services.md`` is what would be made now; ``make services`` makes it."""
    assert DOCUMENT.read_text() == service_table(), "run 'make services'"


def test_each_service_has_tests_of_its_own() -> None:
    """What the catalogue's conformance test cannot know is proven for every service that is served."""
    served = [str(endpoint) for endpoint in endpoints()]
    proven = own_tests(served)
    assert not [path for path in served if not proven[path]]
