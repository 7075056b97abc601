"""Process settings: environment over file over defaults, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from tamas.settings import SettingsError, load_settings, unknown_variables


def test_defaults_listen_on_loopback_only(tmp_path: Path) -> None:
    """Without any setting the API is not reachable from other machines."""
    settings = load_settings({"HOME": str(tmp_path)})
    assert (settings.http_host, settings.http_port, settings.sip_port) == ("127.0.0.1", 8080, 5060)
    assert str(settings.rtp_ports) == "10000-20000"
    assert settings.database_url == f"sqlite:///{settings.state_dir}/tamas.db"
    assert settings.http_address == "http://127.0.0.1:8080"


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    """Lists and numbers of the file become what the variables would say."""
    file = tmp_path / "tamas.toml"
    file.write_text('http_port = 9000\nsip_port = 5070\ntrusted_proxies = ["10.0.0.0/8", "::1"]\n')
    settings = load_settings({"TAMAS_CONFIG": str(file), "TAMAS_HTTP_PORT": "9001"})
    assert (settings.http_port, settings.sip_port) == (9001, 5070)
    assert [str(network) for network in settings.trusted_proxies] == ["10.0.0.0/8", "::1/128"]


def test_postgresql_urls_of_other_tools_are_understood() -> None:
    """The driver is ours to choose."""
    settings = load_settings({"TAMAS_DATABASE_URL": "postgres://u:p@db/tamas"})
    assert settings.database_url == "postgresql+asyncpg://u:p@db/tamas"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TAMAS_HTTP_PORT", "0"),
        ("TAMAS_HTTP_PORT", "65536"),
        ("TAMAS_SIP_PORT", "５０６０"),
        ("TAMAS_HTTP_HOST", "not-an-address"),
        ("TAMAS_RTP_PORTS", "10000"),
        ("TAMAS_RTP_PORTS", "20000-10000"),
        ("TAMAS_RTP_PORTS", "10000-10001"),
        ("TAMAS_TRUSTED_PROXIES", "10.0.0.0/33"),
        ("TAMAS_LOG_FORMAT", "xml"),
        ("TAMAS_DATABASE_URL", "mysql://u@h/d"),
        ("TAMAS_DATABASE_URL", "postgresql://u:p@h:port/x"),
        ("TAMAS_DATABASE_URL", "postgresql://u:p@h/x?sslmode=maybe"),
        ("TAMAS_HTTP_TLS_CERT", "/only/one.pem"),
        ("TAMAS_FALLBACK_NUMBER", "101,1)"),
        ("TAMAS_CONFIG", "/no/such/file.toml"),
    ],
)
def test_unusable_values_are_named(name: str, value: str) -> None:
    """The error says which setting is wrong."""
    with pytest.raises(SettingsError, match=name if name != "TAMAS_CONFIG" else "no/such"):
        load_settings({name: value})


def test_a_misspelt_setting_of_the_file_is_named(tmp_path: Path) -> None:
    """What nobody reads would be silently without effect."""
    file = tmp_path / "tamas.toml"
    file.write_text("http_port = 9000\nhttp_prot = 9001\n")
    with pytest.raises(SettingsError, match="http_prot"):
        load_settings({"TAMAS_CONFIG": str(file)})


def test_misspelt_variables_are_found() -> None:
    """They only deserve a warning: the environment may be made for others too."""
    environment = {
        "TAMAS_HTTP_PROT": "1",
        "TAMAS_HTTP_PORT": "9000",
        "TAMAS_CONFIG": "",
        "TAMAS_": "",
        "HOME": "/",
    }
    assert unknown_variables(environment) == ["TAMAS_", "TAMAS_HTTP_PROT"]


def test_the_tls_mode_of_the_database_is_kept() -> None:
    """Every reader of the URL takes it from there."""
    settings = load_settings({"TAMAS_DATABASE_URL": "postgres://u:p%40@db/tamas?sslmode=verify-full"})
    assert settings.database_url == "postgresql+asyncpg://u:p%40@db/tamas?sslmode=verify-full"
