"""A directory that Debian packages are unpacked into until every linked library is there."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tamas.engine import debian_archive, elf
from tamas.engine.debian_archive import PackageFile, PrivateApt
from tamas.engine.library_names import packages_named_for
from tamas.errors import TamasError

MULTIARCH = {"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}
"""Debian's library folder for each architecture that Tamas serves (Debian Policy, Multi-arch tuples)."""

_UNREAD = ("usr/share/bug", "usr/share/info", "usr/share/lintian", "usr/share/locale", "usr/share/man")
_UNPACKERS = 2


class IncompleteTreeError(TamasError):
    """The packages of a suite do not bring everything that is wanted."""


class PackageTree:
    """The files of a growing choice of packages out of an installable `closure`, below `root`."""

    def __init__(
        self,
        *,
        root: Path,
        apt: PrivateApt,
        closure: Mapping[str, PackageFile],
        label: str,
        progress: Callable[[str], None],
    ) -> None:
        self.files: dict[str, set[str]] = {}
        """The paths that each unpacked package brought."""
        self.root = root
        self._apt = apt
        self._closure = closure
        self._label = label
        self._progress = progress
        self._fetched: dict[str, Path] = {}

    @property
    def library_folders(self) -> list[Path]:
        """The folders that the loader is told to search: those of Debian's that the tree has."""
        tuple_ = MULTIARCH[self._apt.architecture]
        folders = (self.root / top / tuple_ for top in ("usr/lib", "lib"))
        return [folder for folder in folders if folder.is_dir()]

    def find(self, globs: Sequence[str], *, optional: bool = False) -> list[Path]:
        """Return the files that `globs` name; raises `IncompleteTreeError` when one names none."""
        found: list[Path] = []
        for pattern in globs:
            paths = sorted(self.root.glob(pattern))
            if not paths and not optional:
                raise IncompleteTreeError(f"its packages bring no {pattern}")
            found += paths
        return found

    def link(self, path: str, says: str) -> None:
        """Make the symbolic link `path`; raises `IncompleteTreeError` when it would lead nowhere."""
        link = self.root / path
        if not (link.parent / says).exists():
            raise IncompleteTreeError(
                f"its packages bring nothing that the link {path} to {says} could reach"
            )
        link.symlink_to(says)

    def add(self, names: Sequence[str]) -> None:
        """Fetch and unpack the packages `names`."""
        self._fetch(names)
        with ThreadPoolExecutor(_UNPACKERS) as pool:
            brought = pool.map(lambda name: debian_archive.unpack(self._fetched[name], self.root), names)
            self.files.update(zip(names, brought, strict=True))

    def add_linked_libraries(self, roots: Sequence[Path]) -> None:
        """Add the packages that bring the libraries which `roots` link, and those which these link."""
        while missing := missing_libraries(roots, self.library_folders):
            if not self._add_providers(missing, self._named_candidates(missing)) and not self._add_providers(
                missing, self._declared_candidates(missing)
            ):
                soname, file = next(iter(missing.items()))
                raise IncompleteTreeError(
                    f"{file.relative_to(self.root)} needs {soname}, which no package of its closure brings"
                )

    def loader(self, files: Sequence[Path]) -> Path:
        """Return the dynamic loader that the first program among `files` asks for.

        Raises `IncompleteTreeError` when the packages do not bring it.
        """
        for file in files:
            if interpreter := elf.read_links(file).interpreter:
                for top in (self.root, self.root / "usr"):
                    if (place := top / interpreter.lstrip("/")).exists():
                        return place
                raise IncompleteTreeError(f"its packages bring no loader {interpreter}")
        raise IncompleteTreeError("none of its files is a program")

    def prune(self, unwanted: Iterable[str]) -> None:
        """Remove the paths `unwanted`, what only people would read, and links that lead out of the tree."""
        for path in (*_UNREAD, *unwanted):
            shutil.rmtree(self.root / path, ignore_errors=True)
        for text in self.root.glob("usr/share/doc/*/*"):
            if text.is_dir() and not text.is_symlink():
                shutil.rmtree(text)
            elif text.name != "copyright":
                text.unlink()
        top = os.path.realpath(self.root) + os.sep
        for folder, folders, files in os.walk(self.root):
            for name in (*folders, *files):
                entry = Path(folder, name)
                if entry.is_symlink() and not os.path.realpath(entry).startswith(top):
                    entry.unlink()

    def _named_candidates(self, missing: Mapping[str, Path]) -> set[str]:
        return {name for soname in missing for name in packages_named_for(soname, self._closure)}

    def _declared_candidates(self, missing: Mapping[str, Path]) -> set[str]:
        """The packages on which the owners of the files that miss something depend."""
        wanting = {str(file.relative_to(self.root)) for file in missing.values()}
        owners = [name for name, paths in self.files.items() if paths & wanting]
        return {name for owner in owners for name in debian_archive.dependencies(self._fetched[owner])}

    def _add_providers(self, missing: Mapping[str, Path], candidates: set[str]) -> bool:
        """Unpack those of `candidates` that bring one of the `missing` libraries; tell whether any did."""
        names = sorted((candidates & self._closure.keys()) - self.files.keys())
        self._fetch(names)
        with ThreadPoolExecutor(_UNPACKERS) as pool:
            inside = list(pool.map(lambda name: debian_archive.contents(self._fetched[name]), names))
        providers = [
            name
            for name, paths in zip(names, inside, strict=True)
            if any(Path(path).name in missing for path in paths)
        ]
        self.add(providers)
        return bool(providers)

    def _fetch(self, names: Sequence[str]) -> None:
        new = [self._closure[name] for name in names if name not in self._fetched]
        if new:
            size = sum(package.size for package in new) / 1e6
            self._progress(f"{self._label}: fetching {len(new)} packages, {size:.1f} MB")
            self._fetched.update(self._apt.download(new))


def missing_libraries(roots: Sequence[Path], folders: Sequence[Path]) -> dict[str, Path]:
    """Return the libraries that `roots` need, directly or through others, and `folders` lack.

    The result names for each library one file that needs it.
    """
    missing: dict[str, Path] = {}
    waiting = list(roots)
    seen = set(waiting)
    while waiting:
        file = waiting.pop()
        for soname in elf.read_links(file).needed:
            found = next((path for folder in folders if (path := folder / soname).exists()), None)
            if found is None:
                missing[soname] = file
            elif found not in seen:
                seen.add(found)
                waiting.append(found)
    return missing
