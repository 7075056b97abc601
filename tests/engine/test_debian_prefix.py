"""Private prefixes, made from a local mirror of real, signed Debian lists and packages.

The mirror holds the genuine signed list of Debian testing and the few files of the package `hello`, so that
each test fetches in about a second and can damage what it likes.
"""

from __future__ import annotations

import dataclasses
import lzma
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tamas.engine import debian_archive, package_tree
from tamas.engine.debian_archive import Archive, PrivateApt
from tamas.engine.debian_prefix import Prefix, PrefixError, PrefixRequest, cached_prefix, ensure_prefix
from tamas.engine.package_tree import IncompleteTreeError, PackageTree

HELLO = PrefixRequest(
    name="hello", packages=("hello",), roots=("usr/bin/hello",), suites=("testing",), architecture="amd64"
)
KEYRING = next((path for path in debian_archive.KEYRINGS if path.exists()), Path("/nonexistent"))
LISTS = "dists/testing/main/binary-amd64/Packages.xz"

FETCHER = """
import sys
from pathlib import Path
from tamas.engine.debian_archive import Archive
from tamas.engine.debian_prefix import PrefixRequest, ensure_prefix
archive = Archive(uri=sys.argv[1], keyring=Path(sys.argv[2]))
request = PrefixRequest(
    name="hello", packages=("hello",), roots=("usr/bin/hello",), suites=("testing",), architecture="amd64"
)
prefix = ensure_prefix(
    request, Path(sys.argv[3]), progress=lambda line: print(line, flush=True), archives=[archive]
)
print("made", prefix.root, flush=True)
"""
"""Another process that fetches `HELLO`: archive, keyring and cache directory are its arguments."""


def silent(_: str) -> None:
    """Take progress and show nothing."""


@pytest.fixture(scope="session")
def genuine(tmp_path_factory: pytest.TempPathFactory) -> tuple[PrivateApt, Path]:
    """apt with the list of testing, and the local mirror made from what it fetched."""
    work = tmp_path_factory.mktemp("apt") / "apt"
    mirror = tmp_path_factory.mktemp("mirror")
    apt = PrivateApt(work, archive=debian_archive.host_archives()[0], suite="testing", architecture="amd64")
    with (work / "apt.conf").open("a") as settings:  # keep the list as the archive's Release file names it
        settings.write(
            'Acquire::GzipIndexes "true"; Acquire::IndexTargets::deb::Packages::KeepCompressedAs "xz";'
        )
    apt.update()
    (mirror / LISTS).parent.mkdir(parents=True)
    for stored, place in (("InRelease", "dists/testing/InRelease"), ("Packages.xz", LISTS)):
        (found,) = (work / "state/lists").glob(f"*_{stored}")
        shutil.copy(found, mirror / place)
    closure = apt.resolve(["hello"])
    listed = lzma.decompress((mirror / LISTS).read_bytes()).decode()
    for name, file in apt.download([closure[name] for name in ("hello", "libc6")]).items():
        stanza = re.search(rf"^Package: {name}\n(?:.+\n)*", listed, re.MULTILINE)
        assert stanza is not None
        pool = mirror / stanza[0].split("\nFilename: ")[1].splitlines()[0]
        pool.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, pool)
    return apt, mirror


@pytest.fixture(scope="session")
def genuine_mirror(genuine: tuple[PrivateApt, Path]) -> Path:
    """A directory laid out as a Debian mirror, with the genuine list of testing and `hello`'s packages."""
    return genuine[1]


@pytest.fixture
def mirror(genuine_mirror: Path, tmp_path: Path) -> Path:
    """A copy of the mirror that the test may damage."""
    copy = tmp_path / "mirror"
    shutil.copytree(genuine_mirror, copy)
    return copy


def archive_at(mirror: Path) -> Archive:
    return Archive(uri=f"file:{mirror}", keyring=KEYRING)


def fetcher(mirror: Path, cache: Path) -> subprocess.Popen[str]:
    words = [sys.executable, "-c", FETCHER, f"file:{mirror}", str(KEYRING), str(cache)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True)


def prefixes_in(cache: Path) -> list[Path]:
    """The prefixes that a caller could see."""
    return sorted(path for path in cache.glob("hello-*") if path.is_dir())


@pytest.fixture(scope="session")
def filled(genuine_mirror: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Prefix, list[str]]:
    """A cache directory with `hello` in it, the prefix, and what was told while it was fetched."""
    cache = tmp_path_factory.mktemp("cache")
    told: list[str] = []
    prefix = ensure_prefix(HELLO, cache, progress=told.append, archives=[archive_at(genuine_mirror)])
    return cache, prefix, told


def greeting(prefix: Prefix) -> str:
    """Run hello out of `prefix` and return what it says."""
    done = subprocess.run(prefix.command("usr/bin/hello"), capture_output=True, check=True, text=True)
    return done.stdout


@pytest.mark.slow
def test_prefix_holds_what_the_program_links_and_no_more(filled: tuple[Path, Prefix, list[str]]) -> None:
    """hello needs the C library; the rest of its installable closure stays away."""
    _, prefix, told = filled
    assert sorted(prefix.versions) == ["hello", "libc6"]
    assert (prefix.root / "usr/share/doc/hello/copyright").is_file()
    assert not (prefix.root / "usr/share/man").exists()
    assert greeting(prefix) == "Hello, world!\n"
    assert "reading the package list" in told[0]
    assert re.search(r"fetching 1 packages, \d+\.\d MB", told[1])


@pytest.mark.slow
def test_cached_prefix_needs_no_archive(filled: tuple[Path, Prefix, list[str]]) -> None:
    """The second call fetches nothing and says nothing, even when there is no archive any more."""
    cache, prefix, _ = filled
    told: list[str] = []
    assert ensure_prefix(HELLO, cache, progress=told.append, archives=[]) == prefix
    assert told == []


@pytest.mark.slow
def test_prefix_can_be_moved(filled: tuple[Path, Prefix, list[str]], tmp_path: Path) -> None:
    """A cache directory that was copied and moved elsewhere still holds a prefix that runs from there."""
    shutil.copytree(filled[0], tmp_path / "here", symlinks=True)
    (tmp_path / "here").rename(tmp_path / "there")
    prefix = ensure_prefix(HELLO, tmp_path / "there", progress=silent, archives=[])
    assert all(str(tmp_path / "there") in word for word in prefix.command("usr/bin/hello")[::2])
    assert greeting(prefix) == "Hello, world!\n"


@pytest.mark.slow
def test_damaged_manifest_is_named(filled: tuple[Path, Prefix, list[str]], tmp_path: Path) -> None:
    """A prefix whose own record is unreadable is reported with the way out, not used."""
    shutil.copytree(filled[0], tmp_path / "cache", symlinks=True)
    (manifest,) = (tmp_path / "cache").glob("*/prefix.json")
    manifest.write_text("{")
    with pytest.raises(PrefixError, match=f"remove {manifest.parent} to fetch it again"):
        cached_prefix(HELLO, tmp_path / "cache")


@pytest.mark.slow
@pytest.mark.parametrize("killed_at", [1, 2, 3])
def test_killed_fetch_leaves_nothing_visible(genuine_mirror: Path, tmp_path: Path, killed_at: int) -> None:
    """A fetch killed with SIGKILL at its n-th step is invisible; the next one succeeds and tidies up."""
    process = fetcher(genuine_mirror, tmp_path)
    assert process.stdout is not None
    for _ in range(killed_at):
        assert not process.stdout.readline().startswith("made")
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)
    assert prefixes_in(tmp_path) == []

    prefix = ensure_prefix(HELLO, tmp_path, progress=silent, archives=[archive_at(genuine_mirror)])
    assert greeting(prefix) == "Hello, world!\n"
    assert prefixes_in(tmp_path) == [prefix.root.parent]


@pytest.mark.slow
def test_concurrent_callers_fetch_once(genuine_mirror: Path, tmp_path: Path) -> None:
    """Two processes that want the same prefix: one fetches, the other waits, both use the same."""
    processes = [fetcher(genuine_mirror, tmp_path) for _ in range(2)]
    said = [process.communicate(timeout=60)[0].splitlines() for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert sum(any("reading the package list" in line for line in lines) for lines in said) == 1
    assert said[0][-1] == said[1][-1] == f"made {prefixes_in(tmp_path)[0]}/root"


def test_changed_list_signature_is_refused(mirror: Path, tmp_path: Path) -> None:
    """One changed word under the archive's signature, and nothing is fetched."""
    release = mirror / "dists/testing/InRelease"
    release.write_text(release.read_text().replace("Origin: Debian", "Origin: Debiam"))
    with pytest.raises(PrefixError, match=r"not signed|signature|BADSIG"):
        ensure_prefix(HELLO, tmp_path / "cache", progress=silent, archives=[archive_at(mirror)])
    assert prefixes_in(tmp_path / "cache") == []


def test_unsigned_list_is_refused(mirror: Path, tmp_path: Path) -> None:
    """A mirror that offers its list without any signature is not trusted."""
    signed = mirror / "dists/testing/InRelease"
    text = signed.read_text().split("\n\n", 1)[1].split("-----BEGIN PGP SIGNATURE")[0]
    (mirror / "dists/testing/Release").write_text(text)
    signed.unlink()
    with pytest.raises(PrefixError, match="not signed"):
        ensure_prefix(HELLO, tmp_path / "cache", progress=silent, archives=[archive_at(mirror)])


@pytest.mark.slow
def test_changed_package_list_is_refused(mirror: Path, tmp_path: Path) -> None:
    """The signature covers the package list's hash: a changed list is refused."""
    listed = mirror / LISTS
    content = lzma.decompress(listed.read_bytes()).replace(b"Package: hello\n", b"Package: hullo\n")
    listed.write_bytes(lzma.compress(content, preset=0))
    with pytest.raises(PrefixError, match=r"[Hh]ash|size"):
        ensure_prefix(HELLO, tmp_path / "cache", progress=silent, archives=[archive_at(mirror)])


@pytest.mark.slow
def test_changed_package_is_refused(mirror: Path, tmp_path: Path) -> None:
    """A package file that is not the one in the signed list is not unpacked."""
    (package,) = mirror.glob("pool/main/h/hello/*.deb")
    content = bytearray(package.read_bytes())
    content[-100] ^= 1
    package.write_bytes(content)
    with pytest.raises(PrefixError, match=r"[Hh]ash"):
        ensure_prefix(HELLO, tmp_path / "cache", progress=silent, archives=[archive_at(mirror)])
    assert prefixes_in(tmp_path / "cache") == []


@pytest.mark.slow
def test_next_suite_is_tried(genuine_mirror: Path, tmp_path: Path) -> None:
    """A suite that the mirror does not have is passed over, and the person is told why."""
    request = dataclasses.replace(HELLO, suites=("nosuchsuite", "testing"))
    told: list[str] = []
    prefix = ensure_prefix(request, tmp_path, progress=told.append, archives=[archive_at(genuine_mirror)])
    assert prefix.suite == "testing"
    assert any("Debian nosuchsuite" in line and "failed" in line for line in told)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"packages": ("hello", "no-such-package")}, "no-such-package"),
        pytest.param({"architecture": "sparc64"}, "architecture sparc64", marks=pytest.mark.slow),
        pytest.param(
            {"refusal": lambda versions: f"hello {versions['hello']} will not do"},
            r"hello \d.* will not do",
            marks=pytest.mark.slow,
        ),
    ],
)
@pytest.mark.slow
def test_impossible_request_says_why(
    genuine_mirror: Path, tmp_path: Path, change: dict[str, object], reason: str
) -> None:
    """What the archive does not have, or what the caller refuses, is an error that names it."""
    request = dataclasses.replace(HELLO, **change)  # type: ignore[arg-type]
    with pytest.raises(PrefixError, match=reason):
        ensure_prefix(request, tmp_path, progress=silent, archives=[archive_at(genuine_mirror)])
    assert prefixes_in(tmp_path) == []
    assert not list(tmp_path.glob(".hello-*"))


@pytest.mark.slow
def test_tree_names_what_its_packages_do_not_bring(genuine: tuple[PrivateApt, Path], tmp_path: Path) -> None:
    """A file, a link's target, a loader or a library that is not there is an error that names it."""
    apt, _ = genuine
    whole = apt.resolve(["hello"])
    tree = PackageTree(
        root=tmp_path, apt=apt, closure={"hello": whole["hello"]}, label="hello", progress=silent
    )
    tree.add(["hello"])
    hello = tree.find(["usr/bin/hello"])
    with pytest.raises(IncompleteTreeError, match="bring no usr/bin/hullo"):
        tree.find(["usr/bin/hullo"])
    assert tree.find(["usr/bin/hullo"], optional=True) == []
    with pytest.raises(IncompleteTreeError, match="link usr/bin/hi to hullo"):
        tree.link("usr/bin/hi", "hullo")
    with pytest.raises(IncompleteTreeError, match=r"bring no loader /lib64/ld-linux-x86-64\.so\.2"):
        tree.loader(hello)
    with pytest.raises(IncompleteTreeError, match=r"usr/bin/hello needs libc\.so\.6"):
        tree.add_linked_libraries(hello)


@pytest.mark.slow
def test_library_is_found_through_declared_dependencies(
    genuine: tuple[PrivateApt, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When no package's name gives a library away, the needing package's dependencies are looked into."""
    apt, _ = genuine
    monkeypatch.setattr(package_tree, "packages_named_for", lambda *_: [])
    tree = PackageTree(root=tmp_path, apt=apt, closure=apt.resolve(["hello"]), label="hello", progress=silent)
    tree.add(["hello"])
    tree.add_linked_libraries(tree.find(["usr/bin/hello"]))
    assert sorted(tree.files) == ["hello", "libc6"]


def test_links_that_lead_out_are_pruned(genuine: tuple[PrivateApt, Path], tmp_path: Path) -> None:
    """A moved prefix must not reach the system's files: links out of it go, inner links stay."""
    apt, _ = genuine
    tree = PackageTree(root=tmp_path, apt=apt, closure={}, label="hello", progress=silent)
    (tmp_path / "usr").mkdir()
    (tmp_path / "usr/inner").symlink_to("../usr")
    (tmp_path / "usr/absolute").symlink_to("/etc")
    (tmp_path / "usr/relative").symlink_to("../../elsewhere")
    tree.prune(())
    assert [path.name for path in (tmp_path / "usr").iterdir()] == ["inner"]


def test_cache_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """A file in the way of the cache directory gives a plain error, not a traceback of the system."""
    (tmp_path / "cache").write_text("")
    with pytest.raises(PrefixError, match="cache"):
        ensure_prefix(HELLO, tmp_path / "cache", progress=silent, archives=[])


def test_host_mirror_comes_first_and_is_no_security_archive() -> None:
    """The archives to try end with Debian's public one and never name a security archive."""
    archives = debian_archive.host_archives()
    assert archives
    assert all(archive.keyring == KEYRING for archive in archives)
    assert not [archive.uri for archive in archives if "security" in archive.uri]
    assert debian_archive.PUBLIC_MIRROR in [archive.uri for archive in archives]
