"""What is written for Asterisk: from settings alone, the same for the same settings, closed to others."""

from __future__ import annotations

import configparser
import dataclasses
import stat
from functools import partial
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import URL

from engine._engines import engine_settings, make_engine, running
from engine._rows import add_queue
from support.postgresql import PostgresqlCluster
from support.waiting import eventually
from tamas.engine.configuration import (
    ConfigurationError,
    EnginePorts,
    EngineSecrets,
    configuration_digest,
    load_secrets,
    write_configuration,
)
from tamas.engine.install import AsteriskInstall
from tamas.engine.layout import EngineLayout
from tamas.engine.odbc import OBJECTS, RECORDS, OdbcSettingError, odbc_ini
from tamas.engine.ports import candidate_ports, free_port, is_free, is_listening
from tamas.settings import Settings
from tamas.store.database import open_database

NOTE_DURABILITY = """
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
$$BEGIN NEW.durable = current_setting('synchronous_commit'); RETURN NEW; END$$
"""
PORTS = EnginePorts(ami=25_038, agi=24_573)
SECRETS = EngineSecrets(ami="s" * 43)
PASSWORD = "a;b#c%d+e{f}g='h\"i j]k@l:m/n\\o"
"""Every sign that a connection string or a configuration file could trip over."""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return engine_settings(tmp_path / "state", f"sqlite:///{tmp_path / 'tamas.db'}")


@pytest.fixture
def layout(settings: Settings) -> EngineLayout:
    return EngineLayout(state_dir=settings.state_dir)


def test_digest_tells_settings_apart_but_not_ports(
    settings: Settings, asterisk_install: AsteriskInstall
) -> None:
    """A restart on other loopback ports is the same configuration; any other change is another one."""
    first = write_configuration(settings, asterisk_install, PORTS, SECRETS)
    other_ports = EnginePorts(ami=25_039, agi=24_574)
    assert write_configuration(settings, asterisk_install, other_ports, SECRETS) == first
    assert configuration_digest(settings, asterisk_install, SECRETS) == first
    for changed in (
        dataclasses.replace(settings, sip_port=settings.sip_port + 1),
        dataclasses.replace(settings, fallback_number="100"),
        dataclasses.replace(settings, database_url=settings.database_url + "2"),
    ):
        assert configuration_digest(changed, asterisk_install, SECRETS) != first
    newer = dataclasses.replace(asterisk_install, version="22.99.0")
    assert configuration_digest(settings, newer, SECRETS) != first


def test_files_are_replaced_as_a_whole_and_closed_to_others(
    settings: Settings, layout: EngineLayout, asterisk_install: AsteriskInstall
) -> None:
    """Nothing of a former configuration stays behind, and nobody else can read the new one."""
    write_configuration(settings, asterisk_install, PORTS, SECRETS)
    (layout.etc / "stale.conf").write_text("x")
    write_configuration(settings, asterisk_install, PORTS, SECRETS)
    assert not (layout.etc / "stale.conf").exists()
    assert {path.name for path in layout.asterisk.iterdir()} >= {"etc", "odbc", "log", "run"}
    assert not [path for path in layout.asterisk.iterdir() if path.suffix in (".new", ".old")]
    for path in (layout.etc, layout.odbc):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
        assert {stat.S_IMODE(file.stat().st_mode) for file in path.iterdir()} == {0o600}


def test_interrupted_writing_does_no_harm(
    settings: Settings, layout: EngineLayout, asterisk_install: AsteriskInstall
) -> None:
    """We may die at any point of writing; the next start begins anew."""
    layout.make_directories()
    for leftover in ("etc.new", "etc.old", "odbc.new"):
        (layout.asterisk / leftover).mkdir()
        (layout.asterisk / leftover / "half.conf").write_text("[half")
    write_configuration(settings, asterisk_install, PORTS, SECRETS)
    assert not (layout.etc / "half.conf").exists()


def test_unique_ids_and_ports_are_as_others_rely_on(
    settings: Settings, layout: EngineLayout, asterisk_install: AsteriskInstall
) -> None:
    """No system name before unique ids; RTP in its range; managers from this machine only; no web server."""
    write_configuration(settings, asterisk_install, PORTS, SECRETS)
    options = _read(layout.etc / "asterisk.conf")["options"]
    assert "systemname" not in options
    rtp = _read(layout.etc / "rtp.conf")["general"]
    assert (rtp["rtpstart"], rtp["rtpend"]) == (str(settings.rtp_ports.first), str(settings.rtp_ports.last))
    manager = _read(layout.etc / "manager.conf")
    assert manager["general"]["bindaddr"] == "127.0.0.1"
    assert manager["tamas"]["permit"] == "127.0.0.1/255.255.255.255"
    assert _read(layout.etc / "http.conf")["general"]["enabled"] == "no"
    assert not (layout.etc / "ari.conf").exists()


def test_ipv6_address_stands_in_brackets(
    settings: Settings, layout: EngineLayout, asterisk_install: AsteriskInstall
) -> None:
    """SIP on an IPv6 address is written the way pjsip.conf wants it."""
    write_configuration(dataclasses.replace(settings, sip_host="::1"), asterisk_install, PORTS, SECRETS)
    assert f"bind = [::1]:{settings.sip_port}" in (layout.etc / "pjsip.conf").read_text()


def test_directory_that_a_file_cannot_carry_is_refused(
    tmp_path: Path, asterisk_install: AsteriskInstall
) -> None:
    """A path with a semicolon would be cut short by Asterisk, so it is refused in plain words."""
    settings = engine_settings(tmp_path / "a;b", "sqlite:////tmp/tamas.db")
    with pytest.raises(ConfigurationError, match="a;b"):
        write_configuration(settings, asterisk_install, PORTS, SECRETS)


def test_missing_odbc_driver_is_refused(settings: Settings, asterisk_install: AsteriskInstall) -> None:
    """Without a driver for the database Asterisk could read nothing."""
    bare = dataclasses.replace(asterisk_install, odbc_drivers={})
    with pytest.raises(ConfigurationError, match="sqlite"):
        write_configuration(settings, bare, PORTS, SECRETS)


def test_manager_secret_is_made_once(layout: EngineLayout) -> None:
    """The secret outlives starts, because a running Asterisk must be reachable by the next one."""
    first = load_secrets(layout)
    assert load_secrets(layout) == first
    assert stat.S_IMODE(layout.ami_secret.stat().st_mode) == 0o600
    layout.ami_secret.write_text("short")
    with pytest.raises(ConfigurationError, match="remove it"):
        load_secrets(layout)


def test_database_url_becomes_two_data_sources() -> None:
    """Objects and records have connections of their own; only records may be late on disk."""
    url = URL.create(
        "postgresql+asyncpg", "me", PASSWORD, "db.example.org", 5433, "tamas", {"sslmode": "require"}
    )
    sources = _parsed(odbc_ini(url.render_as_string(hide_password=False)))
    assert set(sources.sections()) == {OBJECTS, RECORDS}
    for source in sources.values():
        if source.name != configparser.DEFAULTSECT:
            assert source["Servername"] == "db.example.org"
            assert source["Port"] == "5433"
            assert source["SSLmode"] == "require"
            assert not set(source["Password"]) & set(";#{}='\" ]@:/\\")
    assert "synchronous" in sources[RECORDS]["ConnSettings"]
    assert "LATIN1" in sources[RECORDS]["ConnSettings"]
    assert "synchronous" not in sources[OBJECTS]["ConnSettings"]
    with pytest.raises(OdbcSettingError):
        odbc_ini("postgresql+asyncpg://user%0Aname:p@host/name")


@pytest.mark.engine
async def test_postgresql_is_reached_as_told(
    postgresql: PostgresqlCluster, tmp_path: Path, asterisk_install: AsteriskInstall
) -> None:
    """A password that is all quoting trouble opens PostgreSQL, and only records may be late on its disk."""
    plain = postgresql.fresh_url().replace("+asyncpg", "")
    name = plain.rsplit("/", 1)[1]
    owner = await asyncpg.connect(plain)
    try:
        await _let_in_by_password(owner, name)
        for change in (
            f"ALTER DATABASE {name} SET synchronous_commit = on",
            "ALTER TABLE cel ADD durable text DEFAULT current_setting('synchronous_commit')",
            "ALTER TABLE queue_members ADD durable text",
            NOTE_DURABILITY,
            "CREATE TRIGGER note BEFORE UPDATE ON queue_members FOR EACH ROW EXECUTE FUNCTION note()",
        ):
            await owner.execute(change)
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(f"postgresql://careful:wrong@127.0.0.1:{postgresql.port}/{name}")
        url = URL.create("postgresql+asyncpg", "careful", PASSWORD, "127.0.0.1", postgresql.port, name)
        settings = engine_settings(tmp_path / "state", url.render_as_string(hide_password=False))
        database = await open_database(settings.database_url)
        await add_queue(database, "500", ("100",))
        await database.close()
        async with running(make_engine(settings, asterisk_install)) as engine:
            await engine.ami.action(
                "QueuePause", {"Interface": "Local/100@simotel-local-agents/n", "Paused": "1"}
            )
            await engine.ami.action(
                "Originate",
                {"Channel": "Local/1@tamas-outgoing/n", "Application": "Wait", "Data": "1", "Async": "true"},
            )
            await eventually(partial(_durable, owner, "cel", "off"))
            await eventually(partial(_durable, owner, "queue_members", "on"))
    finally:
        await owner.close()


async def _let_in_by_password(owner: asyncpg.Connection, name: str) -> None:
    """Make a role that must say its password to get into a database."""
    await owner.execute("CREATE ROLE careful LOGIN")
    await owner.execute(
        await owner.fetchval("SELECT format('ALTER ROLE careful PASSWORD %L', $1::text)", PASSWORD)
    )
    await owner.execute("GRANT ALL ON ALL TABLES IN SCHEMA public TO careful")
    await owner.execute("GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO careful")
    rules = Path(await owner.fetchval("SHOW hba_file"))
    text = f"host {name} careful 127.0.0.1/32 scram-sha-256\n{rules.read_text()}"  # noqa: ASYNC240 - short
    rules.write_text(text)  # noqa: ASYNC240
    await owner.execute("SELECT pg_reload_conf()")


async def _durable(connection: asyncpg.Connection, table: str, expected: str) -> bool:
    found = {row[0] for row in await connection.fetch(f"SELECT durable FROM {table}") if row[0]}  # noqa: S608
    return found == {expected}


def test_ports_stay_below_those_of_outgoing_connections() -> None:
    """The kernel never hands our ports to an outgoing connection while we are down."""
    low = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    ports = list(candidate_ports(avoid=frozenset({25_000})))
    assert ports
    assert max(ports) < low
    assert 25_000 not in ports
    port = free_port("127.0.0.1", avoid=frozenset())
    assert is_free("127.0.0.1", port)
    assert not is_listening(port)


def _read(path: Path) -> configparser.ConfigParser:
    return _parsed(path.read_text())


def _parsed(text: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(
        delimiters=("=",), comment_prefixes=(";",), interpolation=None, strict=False
    )
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(text)
    return parser
