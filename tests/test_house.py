"""The house stands as ARCHITECTURE.md draws it: arrows point down, nothing goes in circles, everything is at home."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from config.settings import ROOT
from tests.imports import Module, circles, imported_names, read_modules

FLOORS: dict[str, set[str]] = {
    "config": set(),
    "layers": set(),
    "tiles": {"layers"},
    "spatial_models": {"layers"},
    "gisserver": {"layers", "tiles", "spatial_models", "config"},
}
# A model is a pure function on frames; only what runs it as a job knows the store.
JOB_RUNNING = {f"spatial_models.{name}" for name in ("jobs", "running", "attempt", "worker", "result_layers")}
MODELS_MAY = {"layers.errors", "layers.crs"}

# library: the folders or modules that may know it
HOMES: dict[str, tuple[str, ...]] = {
    "starlette": ("gisserver",),
    "uvicorn": ("gisserver.commands", "gisserver.http_protocol"),
    "pygeoapi": ("gisserver.ogc",),
    "jinja2": ("gisserver",),
    "click": ("gisserver.cli", "gisserver.commands"),
    "rich": ("gisserver.commands", "gisserver.ops"),
    "pydantic": ("config", "layers", "spatial_models", "gisserver"),
    "argon2": ("layers",),
    "sqlalchemy": ("layers", "tiles"),
    "geoalchemy2": ("layers", "tiles"),
    "pyogrio": ("layers",),
    "mapproxy": ("tiles",),
    "mapnik": ("tiles",),
    "rasterio": ("tiles", "layers.demo", "spatial_models"),
    "folium": ("notebooks", "gisserver.reports"),
    "branca": ("gisserver.reports",),
    **dict.fromkeys(("pytest", "hypothesis", "httpx", "playwright", "owslib", "schemathesis", "nbclient"), ("tests",)),
}
# The door: nobody else opens connections. The cluster asks only whether it answers; the bare statements are the yardstick.
DOOR = {"layers.store", "gisserver.ops.cluster"}
SQL_FLOOR = "layers"
SQL_ELSEWHERE = {"tiles.vector_statement"}
SQL_TEXT = re.compile(
    r"\b(SELECT\b.+\b(FROM|set_config|pg_\w+)\b|INSERT\s+INTO\b|UPDATE\s+\S+\s+SET\b|DELETE\s+FROM\b|TRUNCATE\s+|"
    r"(CREATE|ALTER|DROP)\s+(TABLE|INDEX|VIEW|SCHEMA|ROLE|DATABASE|EXTENSION|FUNCTION|POLICY)\b|GRANT\s+\w+\s+ON\b)", re.S)

DRAWERS = {"util", "utils", "helper", "helpers", "common", "misc", "manager", "managers", "base", "core"}
# pygeoapi asks for a process manager by this name
NOT_A_DRAWER = {"gisserver.ogc.manager"}
LONGEST = 400
# what .gitignore leaves out
MADE = {".git", ".venv", "node_modules", "dist", "__pycache__", ".pytest_cache", ".ruff_cache", ".hypothesis", "test-results"}
MADE_SUFFIXES = {".pyc"}
SOURCES = {".py", ".sql", ".ts", ".tsx", ".css", ".sh"}

MODULES = read_modules(ROOT, tuple(FLOORS))


def our_files() -> list[Path]:
    """Return the files of the project, without what is made or installed."""
    found = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in MADE and not (Path(folder, name) == ROOT / "var")]
        found += [path for name in names if (path := Path(folder, name)).is_file() and path.suffix not in MADE_SUFFIXES]
    return sorted(found)


def module_of(source: str, name: str = "layers.probe") -> Module:
    tree = ast.parse(source)
    return Module(name, Path("probe.py"), frozenset(imported_names(tree, name)), tree)


def upward(modules: dict[str, Module]) -> list[str]:
    return [f"{module.name} imports {target}" for module in modules.values() for target in sorted(module.imports)
            if (floor := target.partition(".")[0]) in FLOORS and floor != module.floor
            and floor not in FLOORS[module.floor]]


def strangers(modules: dict[str, Module]) -> list[str]:
    found = []
    for module in modules.values():
        for target in module.imports:
            homes = HOMES.get(target.partition(".")[0])
            if homes is not None and not any(f"{module.name}.".startswith(f"{home}.") for home in homes):
                found.append(f"{module.name} imports {target}")
    return sorted(found)


def sql_texts(module: Module) -> list[str]:
    documentation = {id(node.value) for node in ast.walk(module.tree) if isinstance(node, ast.Expr)}
    return [node.value[:60] for node in ast.walk(module.tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation
            and SQL_TEXT.search(node.value)]


def connects(module: Module) -> bool:
    return any(isinstance(node, ast.Attribute) and node.attr in ("connect", "AsyncConnection", "ConnectionPool")
               and getattr(node.value, "id", "") in ("psycopg", "psycopg_pool", "Connection") for node in ast.walk(module.tree))


def test_arrows_point_down():
    assert upward(MODULES) == []


def test_no_circles():
    assert circles({module.name: module.imports for module in MODULES.values()}) == []


def test_models_know_frames_only():
    models = [m for m in MODULES.values() if m.floor == "spatial_models" and m.name not in JOB_RUNNING]
    assert [f"{m.name} imports {t}" for m in models for t in m.imports
            if t.startswith("layers") and t not in MODELS_MAY] == []


def test_foreign_libraries_are_at_home():
    assert strangers(MODULES) == []


def test_sql_is_at_home():
    assert {module.name: texts for module in MODULES.values() if module.floor != SQL_FLOOR
            and module.name not in SQL_ELSEWHERE and (texts := sql_texts(module))} == {}


def test_one_door_to_the_data():
    assert {module.name for module in MODULES.values() if connects(module)} <= DOOR


def test_files_are_short():
    long = {str(path.relative_to(ROOT)): lines for path in our_files() if path.suffix in SOURCES
            and (lines := len(path.read_text("utf-8").splitlines())) > LONGEST}
    assert long == {}


def test_no_drawers():
    assert [name for name in MODULES if name.rpartition(".")[2] in DRAWERS and name not in NOT_A_DRAWER] == []


def test_every_module_says_what_it_is():
    assert [m.name for m in MODULES.values() if not ast.get_docstring(m.tree)] == []


def test_nothing_names_a_machine_or_a_registry():
    # put together here, so that this file does not name them itself
    hosts = [r"pypi\." + "org", "python" + "hosted", "npmjs" + r"\.", "npm" + "mirror", r"tuna\.", r"deb\.debian" + r"\.org"]
    folders = ["/" + "work/", "/" + "root/", "/" + r"home/[a-z]", "/" + "Users/", "/tmp/" + "gisdev", "/tmp/" + "uvboot"]
    forbidden = re.compile("|".join([*hosts, *folders]).encode())
    found = [f"{path.relative_to(ROOT)}: {match[0].decode()}" for path in our_files()
             if path.suffix not in (".png", ".gpkg", ".parquet", ".tif", ".woff2", ".ico")
             and (match := forbidden.search(path.read_bytes()))]
    assert found == []


def test_ruff_agrees():
    done = subprocess.run([sys.executable, "-m", "ruff", "check", "--no-cache", "--output-format", "concise", "."],
                          cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


class TestTheReaderItself:
    """What the house test would miss, it could not hold."""

    @pytest.mark.parametrize("source", [
        "import tiles.grid",
        "from tiles import grid",
        "def f():\n    from tiles.grid import Grid",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import tiles",
        "import importlib\nimportlib.import_module('tiles.grid')",
        "import importlib\nimportlib.import_module(f'tiles.{1}')",
    ])
    def test_sees_every_spelling_of_an_import(self, source):
        probe = module_of(source)
        assert upward({"layers.probe": probe}) != []

    def test_sees_relative_imports(self):
        assert list(imported_names(ast.parse("from .b import c"), "layers.a")) == ["layers.b.c"]
        assert list(imported_names(ast.parse("from ..b import c"), "layers.demo.a")) == ["layers.b.c"]
        assert list(imported_names(ast.parse("from .b import c"), "layers.demo", is_package=True)) == ["layers.demo.b.c"]

    def test_sees_circles(self):
        edges = {"a": frozenset({"b"}), "b": frozenset({"c"}), "c": frozenset({"a", "d"}), "d": frozenset()}
        assert circles(edges) == [["a", "b", "c"]]
        assert circles({"a": frozenset({"a"})}) == [["a"]]

    def test_sees_strangers(self):
        assert strangers({"layers.probe": module_of("def f():\n    import starlette.routing")}) != []

    @pytest.mark.parametrize("text", ["SELECT a FROM b", "SELECT a\nFROM b", "INSERT INTO b", "UPDATE b SET a = 1", "DROP TABLE b"])
    def test_sees_sql(self, text):
        assert sql_texts(module_of(f"x = {text!r}")) == [text]

    def test_passes_prose(self):
        assert sql_texts(module_of('"""SELECT a FROM b"""\nx = "Select a layer from the list"')) == []
