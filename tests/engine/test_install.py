"""Getting Asterisk and SIPp: fetched for real, into the cache that Tamas itself would use."""

from __future__ import annotations

import dataclasses
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from tamas.engine import elf, install
from tamas.engine.debian_prefix import PrefixError, ensure_prefix
from tamas.engine.install import AsteriskInstall, AsteriskUnusableError
from tamas.engine.modules import CONFIG_FILES_NEEDED, OPTIONAL_MODULES, REQUIRED_MODULES
from tamas.engine.package_tree import missing_libraries
from tamas.settings import load_settings

START_TIME_LIMIT = 30.0
NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--")
"""Words that start a command without any privilege."""

as_root_only = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("setpriv") is None,
    reason="needs root and setpriv to become another user",
)


def silent(_: str) -> None:
    """Take progress and show nothing."""


@pytest.fixture(scope="session")
def cache_dir() -> Path:
    """The cache that Tamas uses, so that the suite fetches only once on a machine."""
    return load_settings().cache_dir


@pytest.fixture(scope="session")
def fetched(cache_dir: Path) -> AsteriskInstall:
    """Asterisk in a private prefix."""
    prefix = ensure_prefix(install.asterisk_request(), cache_dir, progress=silent)
    return install._from_prefix(prefix)


@pytest.fixture
def open_dir() -> Iterator[Path]:
    """A directory that every user can reach and write to."""
    with tempfile.TemporaryDirectory(prefix="tamas-test-") as name:
        directory = Path(name)
        directory.chmod(0o777)
        yield directory


def configure(asterisk: AsteriskInstall, state: Path, modules: Sequence[str]) -> Path:
    """Write the least configuration with which every module can load; return its asterisk.conf."""
    etc = state / "etc"
    for folder in ("etc", "lib", "db", "keys", "agi", "spool/outgoing", "run", "log"):
        (state / folder).mkdir(parents=True)
    for name in CONFIG_FILES_NEEDED:
        (etc / name).touch()
    (etc / "logger.conf").write_text("[logfiles]\nconsole =>\nfull => notice,warning,error\n")
    loads = "".join(f"load = {module}.so\n" for module in modules)
    (etc / "modules.conf").write_text(f"[modules]\nautoload = no\n{loads}")
    (etc / "asterisk.conf").write_text(
        f"[directories]\nastetcdir => {etc}\nastmoddir => {asterisk.modules_dir}\n"
        f"astvarlibdir => {state}/lib\nastdbdir => {state}/db\nastkeydir => {state}/keys\n"
        f"astdatadir => {asterisk.data_dir}\nastagidir => {state}/agi\nastspooldir => {state}/spool\n"
        f"astrundir => {state}/run\nastlogdir => {state}/log\n"
    )
    return etc / "asterisk.conf"


class Running:
    """An Asterisk that was started for a test."""

    def __init__(self, asterisk: AsteriskInstall, state: Path, words: Sequence[str] = ()) -> None:
        self._command = [*words, *asterisk.command, "-C", str(state / "etc/asterisk.conf")]
        self._environment: Mapping[str, str] = os.environ | asterisk.environment
        self.log = state / "log/full"
        with (state / "output").open("w") as output:
            self.process = subprocess.Popen(
                [*self._command, "-f", "-n"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=self._environment,
            )
        deadline = time.monotonic() + START_TIME_LIMIT
        while "fully booted" not in self.ask("core waitfullybooted"):
            assert self.process.poll() is None, (state / "output").read_text()
            assert time.monotonic() < deadline, "Asterisk did not start in time"
            time.sleep(0.05)

    def ask(self, words: str) -> str:
        """Give Asterisk a command of its console and return what it answers."""
        done = subprocess.run(
            [*self._command, "-rx", words],
            capture_output=True,
            check=False,
            text=True,
            timeout=START_TIME_LIMIT,
            env=self._environment,
        )
        return done.stdout

    def running_modules(self) -> set[str]:
        """The modules that loaded and run."""
        words = (line.split() for line in self.ask("module show").splitlines())
        return {word[0].removesuffix(".so") for word in words if "Running" in word and "Not" not in word}

    def stop(self) -> None:
        """End Asterisk, by force when it does not obey."""
        self.ask("core stop now")
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)


def assert_every_module_runs(asterisk: AsteriskInstall, state: Path, words: Sequence[str] = ()) -> None:
    running = Running(asterisk, state, words)
    try:
        loaded = running.running_modules()
    finally:
        running.stop()
    log = running.log.read_text()
    assert [module for module in asterisk.modules if module not in loaded] == [], log
    faults = ("declined", "Error loading module", "undefined symbol", "cannot open shared object")
    assert [line for line in log.splitlines() if any(fault in line for fault in faults)] == []


def test_fetched_asterisk_is_complete(fetched: AsteriskInstall) -> None:
    """The prefix brings every module, the drivers, English prompts under `en`, and music."""
    assert install.refusal_of_version(fetched.version) is None
    assert fetched.origin.startswith(("Debian testing", "Debian unstable"))
    assert fetched.modules == (*REQUIRED_MODULES, *OPTIONAL_MODULES)
    assert sorted(fetched.odbc_drivers) == ["postgresql", "sqlite"]
    assert all(elf.is_elf(driver) for driver in fetched.odbc_drivers.values())
    assert (fetched.sounds_dir / "en/beep.wav").is_file()
    assert fetched.moh_dir is not None
    assert list(fetched.moh_dir.glob("*.wav"))
    assert (fetched.data_dir / "documentation/core-en_US.xml").is_file()


def test_cached_asterisk_is_found_without_fetching(
    fetched: AsteriskInstall, cache_dir: Path, tmp_path: Path
) -> None:
    """What was fetched is found again; in an empty or absent cache there is none, and none is made."""
    assert install.find_cached_asterisk(cache_dir) == fetched
    assert install.find_cached_asterisk(tmp_path) is None
    assert install.find_cached_asterisk(tmp_path / "absent") is None
    assert list(tmp_path.iterdir()) == []


def test_prefix_holds_no_system_programs(cache_dir: Path) -> None:
    """Of the installable closure only linked libraries came along: no perl, no users, no init system."""
    versions = ensure_prefix(install.asterisk_request(), cache_dir, progress=silent).versions
    assert not {"perl-base", "debconf", "adduser", "passwd", "systemd", "tzdata"} & set(versions)
    assert {"libc6", "libspandsp2t64", "libsrtp2-1", "libpq5"} <= set(versions)


@pytest.mark.engine
def test_every_module_loads(fetched: AsteriskInstall, tmp_path: Path) -> None:
    """Asterisk starts with exactly our module list, and none fails for a missing file, symbol or module."""
    configure(fetched, tmp_path, fetched.modules)
    assert_every_module_runs(fetched, tmp_path)


@pytest.mark.engine
def test_odbc_drivers_load(fetched: AsteriskInstall, tmp_path: Path) -> None:
    """Asterisk queries SQLite through the prefix's driver; PostgreSQL's reaches a refused connection."""
    configure(fetched, tmp_path, fetched.modules)
    sqlite, postgresql = fetched.odbc_drivers["sqlite"], fetched.odbc_drivers["postgresql"]
    (tmp_path / "odbcinst.ini").write_text(f"[lite]\nDriver = {sqlite}\n[post]\nDriver = {postgresql}\n")
    (tmp_path / "odbc.ini").write_text(
        f"[lite]\nDriver = lite\nDatabase = {tmp_path}/store.db\n"
        "[post]\nDriver = post\nServername = 127.0.0.1\nPort = 1\nDatabase = none\n"
    )
    classes = (f"[{name}]\nenabled = yes\ndsn = {name}\npre-connect = yes\n" for name in ("lite", "post"))
    (tmp_path / "etc/res_odbc.conf").write_text("".join(classes))
    (tmp_path / "etc/func_odbc.conf").write_text("[TEST]\ndsn = lite\nreadsql = select 6 * 7 as answer\n")
    sources = {"ODBCSYSINI": str(tmp_path), "ODBCINI": str(tmp_path / "odbc.ini")}
    asterisk = dataclasses.replace(fetched, environment={**fetched.environment, **sources})
    running = Running(asterisk, tmp_path)
    try:
        assert running.ask("odbc read ODBC_TEST x exec").split()[:2] == ["answer", "42"]
    finally:
        running.stop()
    assert 'server at "127.0.0.1", port 1 failed: Connection refused' in running.log.read_text()


@pytest.mark.engine
@as_root_only
@pytest.mark.slow
def test_moved_cache_runs_for_an_unprivileged_user(
    fetched: AsteriskInstall, cache_dir: Path, open_dir: Path
) -> None:
    """A copy of the cache elsewhere, used by the user nobody: found without fetching, and it starts."""
    moved = open_dir / "moved cache"
    moved.mkdir()
    made = cache_dir / Path(fetched.command[-1]).relative_to(cache_dir).parts[0]
    shutil.copytree(made, moved / made.name, symlinks=True)
    prefix = ensure_prefix(install.asterisk_request(), moved, progress=silent, archives=[])
    asterisk = install._from_prefix(prefix)
    state = open_dir / "state"
    state.mkdir()
    configure(asterisk, state, asterisk.modules)
    nobody = pwd.getpwuid(65534)
    for path in (state, *state.rglob("*")):
        os.chown(path, nobody.pw_uid, nobody.pw_gid)
    assert_every_module_runs(asterisk, state, NOBODY)


@pytest.mark.slow
@as_root_only
@pytest.mark.slow
def test_unprivileged_user_can_fetch(open_dir: Path) -> None:
    """The user nobody, who owns nothing but a cache directory, fetches a program and runs it."""
    script = (
        "import sys, subprocess; from pathlib import Path; from tamas.engine.install import ensure_tool\n"
        "words = ensure_tool(Path(sys.argv[1]), 'hello', 'usr/bin/hello', print)\n"
        "sys.stdout.flush(); subprocess.run(words, check=True)\n"
    )
    # The suite's own Python may lie where only root can read: copy what nobody needs.
    source = Path(install.__file__).parents[2]
    shutil.copytree(source / "tamas", open_dir / "tamas", ignore=shutil.ignore_patterns("__pycache__"))
    done = subprocess.run(
        [*NOBODY, "python3", "-c", script, str(open_dir / "cache")],
        capture_output=True,
        check=False,
        text=True,
        cwd=open_dir,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/nonexistent", "PYTHONPATH": str(open_dir)},
    )
    assert done.stderr == ""
    assert done.stdout.endswith("Hello, world!\n")


def test_arm64_closure_resolves_and_unpacks(cache_dir: Path) -> None:
    """On any machine the arm64 prefix can be made; every library that its modules link is in it."""
    prefix = ensure_prefix(install.asterisk_request("arm64"), cache_dir, progress=silent)
    asterisk = install._from_prefix(prefix)
    assert prefix.loader.name == "ld-linux-aarch64.so.1"
    assert asterisk.modules == (*REQUIRED_MODULES, *OPTIONAL_MODULES)
    assert asterisk.modules_dir.parts[-3] == "aarch64-linux-gnu"
    program = prefix.root / "usr/sbin/asterisk"
    assert program.read_bytes()[18:20] == (183).to_bytes(2, "little")  # EM_AARCH64
    files = [program, *asterisk.odbc_drivers.values()]
    files += [asterisk.modules_dir / f"{module}.so" for module in asterisk.modules]
    assert missing_libraries(files, prefix.library_path) == {}


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("Asterisk 22.10.1", (22, 10, 1)),
        ("Asterisk 22.10.1+dfsg+~cs6.17.60671434-1\n", (22, 10, 1)),
        ("1:22.11.0~dfsg-2", (22, 11, 0)),
        ("Asterisk 23.0", (23, 0, 0)),
        ("Asterisk 22.11.0-rc1", None),
        ("Asterisk certified/22.8-cert1", None),
        ("Asterisk GIT-22-0123456", None),
        ("", None),
    ],
)
def test_version_is_read(text: str, version: tuple[int, int, int] | None) -> None:
    """Releases are understood in Asterisk's and in Debian's words; candidates and snapshots are not."""
    assert install.parse_version(text) == version


@pytest.mark.parametrize(
    "text", ["Asterisk 20.6.0~dfsg", "Asterisk 22.10.0", "Asterisk 22.9.9", "Asterisk 23.1.0", "nonsense"]
)
def test_other_versions_are_refused(text: str) -> None:
    """Older ones, other major versions and unreadable ones are refused in words that name both."""
    reason = install.refusal_of_version(text)
    assert reason is not None
    assert text in reason
    assert "22.10.1 or later" in reason


@pytest.mark.parametrize("text", ["Asterisk 22.10.1", "Asterisk 22.10.2", "Asterisk 22.12.0"])
def test_later_releases_will_do(text: str) -> None:
    """Later releases of the same major version are accepted."""
    assert install.refusal_of_version(text) is None


def stand_in(path: Path, script: str) -> Path:
    """Write a shell script in the place of the Asterisk program."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo Asterisk 20.6.0", r"it is Asterisk 20\.6\.0; Tamas needs Asterisk 22, 22\.10\.1 or later"),
        ("exit 3", "status 3"),
        ("echo Asterisk 22.10.1", "its modules are not below"),
    ],
)
def test_configured_asterisk_that_will_not_do_is_an_error(tmp_path: Path, script: str, reason: str) -> None:
    """A stand-in that only prints a version: a configured Asterisk is never silently passed over."""
    program = stand_in(tmp_path / "sbin/asterisk", script)
    with pytest.raises(AsteriskUnusableError, match=reason):
        install.ensure_asterisk(tmp_path / "cache", program, silent)
    assert not (tmp_path / "cache").exists()


def test_configured_asterisk_that_is_absent_is_an_error(tmp_path: Path) -> None:
    """A mistyped path is named."""
    with pytest.raises(AsteriskUnusableError, match="no-asterisk"):
        install.find_asterisk(tmp_path / "no-asterisk")


def test_unusable_asterisk_on_path_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A distribution's old Asterisk (a stand-in) on PATH does not stop Tamas from fetching its own."""
    stand_in(tmp_path / "asterisk", "echo Asterisk 20.6.0")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert install.find_asterisk(None) is None


@pytest.fixture
def installed(fetched: AsteriskInstall, tmp_path: Path) -> Path:
    """The real Asterisk laid out as an installation, its program a script that starts it."""
    top = tmp_path / "usr"
    libraries = top / "lib" / fetched.library_path[0].name
    libraries.mkdir(parents=True)
    shutil.copytree(fetched.modules_dir, libraries / "asterisk/modules", copy_function=os.symlink)
    (libraries / "odbc").symlink_to(fetched.odbc_drivers["sqlite"].parent)
    (top / "share").mkdir()
    (top / "share/asterisk").symlink_to(fetched.data_dir)
    words = " ".join(f"'{word}'" for word in fetched.command)
    return stand_in(top / "sbin/asterisk", f'exec {words} "$@"')


@pytest.mark.engine
def test_installed_asterisk_is_used(installed: Path, tmp_path: Path) -> None:
    """A configured one that is new enough and complete is used as it is, and nothing is fetched."""
    asterisk = install.ensure_asterisk(tmp_path / "cache", installed, silent)
    assert asterisk.command == (str(installed),)
    assert asterisk.version == "22.10.1"
    assert asterisk.library_path == ()
    assert not (tmp_path / "cache").exists()
    configure(asterisk, tmp_path / "state", asterisk.modules)
    assert_every_module_runs(asterisk, tmp_path / "state")


def test_installed_asterisk_without_a_module_is_refused(installed: Path) -> None:
    """A build that lacks a required module is refused by that module's name; an optional one may lack."""
    modules_dir = next(installed.parents[1].glob("lib/*/asterisk/modules"))
    (modules_dir / "codec_speex.so").unlink()
    found = install.find_asterisk(installed)
    assert found is not None
    assert found.modules == (*REQUIRED_MODULES, *(name for name in OPTIONAL_MODULES if name != "codec_speex"))
    (modules_dir / "app_queue.so").unlink()
    with pytest.raises(AsteriskUnusableError, match=r"lacks the modules app_queue$"):
        install.find_asterisk(installed)


def test_no_asterisk_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When nothing can be fetched the error tells what was tried and how to help oneself."""
    (tmp_path / "cache").write_text("a file in the way")
    monkeypatch.setattr(install, "find_asterisk", lambda _: None)
    with pytest.raises(install.AsteriskUnavailableError, match=r"(?s)cache.*TAMAS_ASTERISK.*configure"):
        install.ensure_asterisk(tmp_path / "cache", None, silent)


def test_newer_version_is_noticed(
    fetched: AsteriskInstall,
    cache_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A version outside the known-good list is used, and the log says so."""
    monkeypatch.setattr(install, "find_asterisk", lambda _: None)
    monkeypatch.setattr(install, "KNOWN_GOOD_VERSIONS", ("22.10.0",))
    assert install.ensure_asterisk(cache_dir, None, silent) == fetched
    assert f"Asterisk {fetched.version} is newer" in caplog.text


def test_sipp_calls_itself(cache_dir: Path, open_dir: Path) -> None:
    """SIPp runs without privileges: one side answers the other's call on loopback."""
    command = install.ensure_sipp(cache_dir, silent)
    words: tuple[str, ...] = ()
    if os.geteuid() == 0 and shutil.which("setpriv"):
        made = cache_dir / Path(command[0]).relative_to(cache_dir).parts[0]
        shutil.copytree(made, open_dir / "cache" / made.name, symlinks=True)
        command, words = install.ensure_sipp(open_dir / "cache", silent), NOBODY
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    common = ["-i", "127.0.0.1", "-m", "1", "-nostdin"]
    answering = subprocess.Popen(
        [*words, *command, "-sn", "uas", "-p", str(port), *common],
        cwd=open_dir,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        calling = subprocess.run(
            [*words, *command, "-sn", "uac", "-d", "50", *common, f"127.0.0.1:{port}"],
            capture_output=True,
            check=False,
            cwd=open_dir,
            timeout=30,
        )
        assert calling.returncode == 0, calling.stdout
        assert answering.wait(10) == 0
    finally:
        answering.kill()
        answering.wait(10)


def test_tool_without_its_program_is_an_error(tmp_path: Path) -> None:
    """Asking a package for a program that it does not have names the program."""
    (tmp_path / "cache").write_text("")
    with pytest.raises(PrefixError, match="wrk"):
        install.ensure_tool(tmp_path / "cache", "wrk", "usr/bin/wrk", silent)
