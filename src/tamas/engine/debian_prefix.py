"""Programs of Debian packages in a private, relocatable directory that needs no root.

A prefix is a directory laid out like a small Debian system. A program in it runs on an older or different
system through the prefix's own dynamic loader and libraries (`Prefix.command`); see ld.so(8). apt's solver
says which packages an installation would take; of those only the packages named in the request and the ones
that bring a library that some wanted file really links are fetched, so no package manager, init system or
interpreter comes along, and a library package that Debian renames is still found.

A prefix appears in the cache by one rename, complete or not at all. Its directory's name carries a digest of
the request, so a Tamas with other wishes fetches its own; older ones are left for instances that run on them.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tamas.engine import debian_archive, elf
from tamas.engine.debian_archive import Archive, ArchiveError, PrivateApt
from tamas.engine.package_tree import MULTIARCH, IncompleteTreeError, PackageTree
from tamas.errors import TamasError

Progress = Callable[[str], None]
"""Called with one line for a person each time something worth telling begins."""

_MANIFEST = "prefix.json"
_ROOT = "root"


class PrefixError(TamasError):
    """A private prefix could not be made; the text says what was tried and why each attempt failed."""


@dataclass(frozen=True, kw_only=True)
class PrefixRequest:
    """What a prefix must hold."""

    name: str
    """Short name for people and for the directory: `asterisk`, `sip-tester`."""
    packages: tuple[str, ...]
    """Packages that are unpacked whatever they bring, data packages included."""
    roots: tuple[str, ...]
    """Paths in the prefix (globs) of ELF files that must be there and whose links are followed."""
    optional_roots: tuple[str, ...] = ()
    """The same for files that may be missing."""
    links: tuple[tuple[str, str], ...] = ()
    """Symbolic links that the packages' own installation scripts would make: (path, what it says)."""
    unwanted: tuple[str, ...] = ()
    """Folders in the prefix that are removed again."""
    edition: str = ""
    """Any text; a prefix that was fetched for another edition is not used."""
    suites: tuple[str, ...] = ("testing", "unstable")
    """Suites of the archive in the order they are tried."""
    architecture: str = ""
    """Debian's name of the architecture; empty for this machine's."""
    refusal: Callable[[Mapping[str, str]], str | None] = lambda _: None
    """Given the versions that a suite offers, by package, says why they will not do, or None."""


@dataclass(frozen=True, kw_only=True)
class Prefix:
    """A complete prefix. Everything below `root` is read-only by intent and may be moved as a whole."""

    root: Path
    suite: str
    architecture: str
    versions: Mapping[str, str]
    """Versions of the packages it holds, by name."""
    loader: Path
    library_path: tuple[Path, ...]

    def command(self, program: str) -> tuple[str, ...]:
        """Return the words that start `program` (a path below `root`) with this prefix's own libraries."""
        folders = ":".join(str(folder) for folder in self.library_path)
        return (str(self.loader), "--library-path", folders, str(self.root / program))


def ensure_prefix(
    request: PrefixRequest,
    cache_dir: Path,
    *,
    progress: Progress,
    archives: Sequence[Archive] | None = None,
) -> Prefix:
    """Return the prefix for `request`, fetching it into `cache_dir` when it is not there yet.

    Several processes may call this at once: one fetches, the others wait and use what it made.
    `archives` are tried in order; by default the mirror of the host's apt, then Debian's public one.

    Raises `PrefixError` when it cannot be made or `cache_dir` cannot be written.
    """
    try:
        target = _target(request, cache_dir)
        if not _is_complete(target):
            cache_dir.mkdir(parents=True, exist_ok=True)
            with _only_one(target, request.name, progress):
                if not _is_complete(target):
                    sources = debian_archive.host_archives() if archives is None else tuple(archives)
                    _fetch_first_good(request, target, sources, progress)
        return _load(target)
    except (ArchiveError, OSError, subprocess.SubprocessError) as error:
        raise PrefixError(f"{request.name}: {error}") from error


def cached_prefix(request: PrefixRequest, cache_dir: Path) -> Prefix | None:
    """Return the prefix for `request` if it is in `cache_dir` already; nothing is fetched or written.

    Raises `PrefixError` when it is damaged, or when there can be none on this machine.
    """
    try:
        target = _target(request, cache_dir)
        return _load(target) if _is_complete(target) else None
    except (ArchiveError, OSError) as error:
        raise PrefixError(f"{request.name}: {error}") from error


def _target(request: PrefixRequest, cache_dir: Path) -> Path:
    architecture = _architecture(request)
    if architecture not in MULTIARCH:
        known = ", ".join(MULTIARCH)
        raise PrefixError(f"{request.name}: no packages for architecture {architecture}, only for {known}")
    return cache_dir / f"{request.name}-{architecture}-{_digest(request)}"


def _architecture(request: PrefixRequest) -> str:
    return request.architecture or debian_archive.host_architecture()


def _digest(request: PrefixRequest) -> str:
    wishes = [
        request.packages,
        request.roots,
        request.optional_roots,
        request.links,
        request.unwanted,
        request.edition,
    ]
    return hashlib.sha256(json.dumps(wishes).encode()).hexdigest()[:12]


def _is_complete(target: Path) -> bool:
    return (target / _MANIFEST).is_file()


def _load(target: Path) -> Prefix:
    root = (target / _ROOT).absolute()
    try:
        manifest = json.loads((target / _MANIFEST).read_text())
        return Prefix(
            root=root,
            suite=manifest["suite"],
            architecture=manifest["architecture"],
            versions=manifest["versions"],
            loader=root / manifest["loader"],
            library_path=tuple(root / folder for folder in manifest["library_path"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise PrefixError(f"{target / _MANIFEST} is damaged; remove {target} to fetch it again") from error


@contextlib.contextmanager
def _only_one(target: Path, name: str, progress: Progress) -> Iterator[None]:
    """Hold the lock for `target`; the kernel frees it when its holder dies, however that happens."""
    with target.with_name(f"{target.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress(f"{name}: waiting for another process that is fetching it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _fetch_first_good(
    request: PrefixRequest,
    target: Path,
    archives: Sequence[Archive],
    progress: Progress,
) -> None:
    for left in target.parent.glob(f".{target.name}.*"):
        # Remains of a fetch that was killed. Its apt may live a moment longer and write: try again next time.
        shutil.rmtree(left, ignore_errors=True)
    architecture = _architecture(request)
    failures: list[str] = []
    for archive in archives:
        for suite in request.suites:
            with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as directory:
                try:
                    apt = PrivateApt(
                        Path(directory) / "apt", archive=archive, suite=suite, architecture=architecture
                    )
                    tree = Path(directory) / "tree"
                    _assemble(request, apt, tree, progress)
                except (ArchiveError, IncompleteTreeError, elf.ElfError) as error:
                    failures.append(f"Debian {suite} from {archive.uri}: {error}")
                    progress(f"{request.name}: {failures[-1]}")
                    continue
                # A power cut after the rename must not leave empty files behind a valid name.
                subprocess.run(["sync", "--file-system", str(tree)], check=True)  # noqa: S607
                tree.rename(target)
                return
    raise PrefixError(f"{request.name} could not be fetched:\n" + "\n".join(failures))


def _assemble(request: PrefixRequest, apt: PrivateApt, tree: Path, progress: Progress) -> None:
    """Make the whole prefix below `tree`."""
    label = f"{request.name}: Debian {apt.suite}"
    progress(f"{label}: reading the package list of {apt.archive.uri}")
    apt.update()
    closure = apt.resolve(request.packages)
    if reason := request.refusal({name: package.version for name, package in closure.items()}):
        raise IncompleteTreeError(reason)
    root = tree / _ROOT
    root.mkdir(parents=True)
    packages = PackageTree(root=root, apt=apt, closure=closure, label=label, progress=progress)
    packages.add(request.packages)
    for path, says in request.links:
        packages.link(path, says)
    roots = packages.find(request.roots) + packages.find(request.optional_roots, optional=True)
    packages.add_linked_libraries(roots)
    packages.prune(request.unwanted)
    manifest = {
        "suite": apt.suite,
        "architecture": apt.architecture,
        "versions": {name: closure[name].version for name in sorted(packages.files)},
        "loader": str(packages.loader(roots).relative_to(root)),
        "library_path": [str(folder.relative_to(root)) for folder in packages.library_folders],
    }
    (tree / _MANIFEST).write_text(json.dumps(manifest, indent=1))
