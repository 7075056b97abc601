from __future__ import annotations

import pytest

from tamas.engine.library_names import packages_named_for


@pytest.mark.parametrize(
    ("soname", "package"),
    [
        ("libc.so.6", "libc6"),
        ("libssl.so.3", "libssl3t64"),
        ("libsqlite3.so.0", "libsqlite3-0"),
        ("libxslt.so.1", "libxslt1.1"),
        ("libgssapi_krb5.so.2", "libgssapi-krb5-2"),
        ("libjpeg.so.62", "libjpeg62-turbo"),
        ("libstdc++.so.6", "libstdc++6"),
    ],
)
def test_policy_name_is_found(soname: str, package: str) -> None:
    """A library's package is recognised by Debian's naming rule, suffixes included."""
    assert packages_named_for(soname, ["adduser", "libc60", "perl", package]) == [package]


@pytest.mark.parametrize("soname", ["libz.so.1", "libcrypto.so.3", "odd name", ""])
def test_other_names_give_nothing(soname: str) -> None:
    """A library whose package is named otherwise gives no guess, and a strange name is no error."""
    assert packages_named_for(soname, ["zlib1g", "libssl3t64"]) == []
