"""The notebooks run to their end, from an installed project and a store; they are kept without outputs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from config.settings import ROOT
from layers.catalogue import Catalogue
from layers.store import Store
from tests.e2e.neighbourhood import build

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
# nbclient runs a kernel beside this process; its own warnings are not ours to fail on, so it has a process of its own.
RUN = """
import sys, nbformat
from nbclient import NotebookClient
book = nbformat.read(sys.argv[1], as_version=4)
NotebookClient(book, timeout=120, resources={"metadata": {"path": sys.argv[2]}}).execute()
print(sum(len(cell.get("outputs", ())) for cell in book.cells))
"""


@pytest.fixture(scope="module")
def city(store: Store) -> Store:
    build(store, Catalogue(store))
    return store


def test_there_are_notebooks():
    assert [path.name[:2] for path in NOTEBOOKS[:3]] == ["01", "02", "03"]


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_runs(path: Path, city: Store, tmp_path: Path):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIS_")} | {
        "GIS_DATABASE_URL": city.dsn, "JUPYTER_DATA_DIR": str(tmp_path), "IPYTHONDIR": str(tmp_path), "TMPDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", RUN, str(path), str(path.parent)], env=environment, cwd=tmp_path,
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    assert int(done.stdout.split()[-1]) > 0


@pytest.mark.slow
def test_runs_again(city: Store, tmp_path: Path):
    """A reader runs a notebook more than once: the layer is there already, and nothing of the second file is new."""
    before = Catalogue(city).layers.keys()
    test_runs(NOTEBOOKS[0], city, tmp_path)
    assert Catalogue(city).layers.keys() == before


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_is_kept_clean(path: Path):
    book = nbformat.read(path, as_version=4)
    nbformat.validate(book)
    assert [cell["id"] for cell in book.cells if cell.get("outputs") or cell.get("execution_count")] == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_uses_the_packages_as_a_library(path: Path):
    code = "\n".join(cell["source"] for cell in nbformat.read(path, as_version=4).cells if cell["cell_type"] == "code")
    assert not re.search(r"^\s*(from|import)\s+(gisserver|tests)\b", code, re.M), "the service is called over HTTP, not imported"
    assert not re.search(r"""["'](/|~)""", code), "paths are relative"
