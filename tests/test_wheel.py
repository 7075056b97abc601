"""The package as somebody installs it who has neither Node nor this repository."""

from __future__ import annotations

import re
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from support.server import TamasServer

ROOT = Path(__file__).resolve().parents[1]
STATIC = ROOT / "src/tamas/console/static"

pytestmark = pytest.mark.slow


def pip(python: Path, *words: str | Path) -> None:
    """Run pip, which may have to fetch. :raises AssertionError: it failed."""
    done = subprocess.run(
        [python, "-m", "pip", *words], capture_output=True, text=True, check=False, timeout=600, cwd=ROOT
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this tree."""
    folder = tmp_path_factory.mktemp("wheel")
    pip(Path(sys.executable), "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, ROOT)
    [made] = folder.glob("tamas-*.whl")
    return made


def test_the_pages_are_in_the_wheel(wheel: Path) -> None:
    """Every file of the built console is in the wheel, compressed ones among them."""
    built = {path.relative_to(STATIC).as_posix() for path in STATIC.rglob("*") if path.is_file()}
    prefix = "tamas/console/static/"
    with zipfile.ZipFile(wheel) as package:
        packed = {name.removeprefix(prefix) for name in package.namelist() if name.startswith(prefix)}
    assert packed == built
    assert {"index.html"} < packed
    assert {Path(name).suffix for name in packed} >= {".js", ".css", ".br", ".gz"}


@pytest.mark.engine
@pytest.mark.timeout(900)
async def test_the_installed_console_is_served(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a fresh virtual environment with the locked requirements it serves the pages it brought."""
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv/bin/python"
    pip(python, "install", "--quiet", "--require-hashes", "-r", ROOT / "requirements/base.txt")
    pip(python, "install", "--quiet", "--no-deps", wheel)
    monkeypatch.setattr("support.server.TAMAS", (str(tmp_path / "venv/bin/tamas"),))
    server = TamasServer(tmp_path / "server", command=True)
    try:
        await server.start()
        page = await server.client.get("/console", auth=None)
        assert page.status_code == 200
        assert '<div id="root">' in page.text
        parts = re.findall(r'(?:src|href)="(/console/[^"]+)"', page.text)
        assert any(part.endswith(".js") for part in parts), page.text
        for part in parts:
            answer = await server.client.get(part, headers={"Accept-Encoding": "gzip"})
            assert answer.status_code == 200, part
            assert answer.content
    finally:
        await server.close()
