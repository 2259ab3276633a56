"""The documentation can fail: everything there is is named on a page, and nothing is named that is not there."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import click
import pytest
from PIL import Image
from starlette.routing import Match

from config.settings import NOT_SETTINGS, ROOT, Settings
from docs.scripts import reference
from docs.scripts.guides import FOLDER, GUIDES
from docs.scripts.screenshot import LARGEST_BYTES, SIZE
from gisserver.cli import gis
from gisserver.routing import service_routes
from layers.layer import read_layers
from layers.roles import read_roles
from spatial_models.registry import PROCESSES

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
CODE = re.compile(r"`([^`]+)`")
SETTING = re.compile(r"\bGIS_[A-Z_]+[A-Z]\b")
HOWTOS = sorted(path.name for path in (ROOT / "docs" / "howto").glob("*.md"))


@cache
def pages() -> dict[Path, str]:
    """Return the project's own Markdown, by path from its root."""
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True)
    return {Path(name): (ROOT / name).read_text("utf-8") for name in listed.stdout.splitlines() if (ROOT / name).is_file()}


@cache
def named() -> frozenset[str]:
    """Return everything that stands in code type on some page, and the words of it."""
    found: set[str] = set()
    for text in pages().values():
        for code in [*CODE.findall(FENCE.sub("", text)), *(body for _, body in FENCE.findall(text))]:
            found |= {code, *re.findall(r"[\w.-]+", code)}
    return frozenset(found)


def shell_lines(text: str) -> Iterator[str]:
    """Give the commands of a page's shell blocks, continued lines joined."""
    for language, body in FENCE.findall(text):
        if language in ("sh", "bash", "shell"):
            whole = ""
            for line in body.replace("\\\n", " ").splitlines():
                whole = f"{whole}\n{line}" if whole else line
                try:
                    shlex.split(whole, comments=True)
                except ValueError:
                    continue        # a quotation goes on in the next line
                if whole.strip():
                    yield whole
                whole = ""
            assert not whole, f"a quotation does not end: {whole[:80]}"


def program(line: str) -> tuple[list[str], list[str]]:
    """Return the settings before a command, and its words up to a pipe."""
    words = shlex.split(line, comments=True)
    end = next((n for n, word in enumerate(words) if word in ("|", "&&", ";", ">", "&")), len(words))
    start = next((n for n, word in enumerate(words[:end]) if not re.match(r"[A-Z_]+=", word)), end)
    return words[:start], words[start:end]


def wrong_use(words: list[str]) -> str | None:
    """Say what is wrong with the words after `gis`; None if the command, its options and its arguments are there."""
    command: click.Command = gis
    context = click.Context(gis)
    rest = list(words)
    while isinstance(command, click.Group):
        if not rest:
            return None             # a group by itself stands for all its verbs
        if rest[0] in ("--help", "-h", "--version"):
            return None
        inner = command.get_command(context, rest[0])
        if inner is None:
            return f"there is no command '{rest[0]}'"
        command, context, rest = inner, click.Context(inner, context), rest[1:]
    try:
        given, left, _ = command.make_parser(context).parse_args(rest)
    except click.UsageError as error:
        return error.format_message()
    # what was not given is None or a mark of click's own
    needed = [p.name for p in command.params if p.required and not (isinstance(value := given.get(p.name or ""), (str, list, tuple)) and value)]
    if left or needed:
        return f"left over: {left}; missing: {needed}"
    choices = {p.name: p.type.choices for p in command.params if isinstance(p.type, click.Choice)}
    return next((f"'{given[name]}' is none of {list(known)}" for name, known in choices.items()
                 if isinstance(given.get(name), str) and given[name] not in known), None)


def routes() -> list[Any]:
    return service_routes(SimpleNamespace(threads=None, delegate_threads=None))  # type: ignore[arg-type]


def slug(heading: str) -> str:
    """Return the anchor that Markdown viewers make of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


class TestTheReference:
    def test_is_what_the_definitions_say(self):
        assert reference.stale() == [], "run: .venv/bin/python -m docs.scripts.reference"

    def test_check_sees_a_stale_page(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(reference, "FOLDER", tmp_path)
        assert reference.main([]) == 0
        assert reference.main(["--check"]) == 0
        (tmp_path / "roles.md").write_text("old")
        (tmp_path / "left.md").write_text("of a page that is no more")
        assert reference.stale() == ["left.md", "roles.md"]
        assert reference.main(["--check"]) == 1
        assert reference.main([]) == 0
        assert reference.stale() == []


class TestEverythingIsNamed:
    def test_settings(self):
        assert {f"GIS_{name.upper()}" for name in Settings.model_fields} - named() == set()

    def test_processes(self):
        inputs = {name for process in PROCESSES.values() for name in process.inputs.model_fields}
        assert (PROCESSES.keys() | inputs) - named() == set()

    def test_roles_and_capabilities(self):
        roles = read_roles(ROOT / "config" / "roles.yaml").roles
        assert (roles.keys() | {c for role in roles.values() for c in role.capabilities}) - named() == set()

    def test_commands_and_options(self):
        there = {f"gis {name}" for name, _ in reference.commands()}
        options = {o for _, made in reference.commands() for p in made.params if isinstance(p, click.Option) for o in p.opts}
        assert (there | options) - named() == set()

    def test_layers_fields_and_codes(self):
        layers = read_layers(ROOT / "config" / "layers")
        fields = {f.name for layer in layers.values() for f in layer.fields}
        codes = {code for layer in layers.values() for f in layer.fields for code in f.codes or ()}
        assert len(fields) > 100
        assert (layers.keys() | fields | codes) - named() == set()

    def test_errors(self):
        kinds = {kind.__name__ for kind in reference.error_types()}
        assert {"Conflict", "UnknownJob", "WrongParameter"} <= kinds
        assert kinds - named() == set()


class TestNothingElseIsNamed:
    def test_links_lead_somewhere(self):
        dead = []
        for page, text in pages().items():
            for target in LINK.findall(FENCE.sub("", text)):
                path, _, anchor = target.partition("#")
                if urlsplit(target).scheme:
                    continue
                there = (ROOT / page).parent / path if path else ROOT / page
                if not there.exists():
                    dead.append(f"{page}: {target}")
                elif anchor and there.suffix == ".md":
                    anchors = {slug(h) for h in re.findall(r"^#+ (.+)$", FENCE.sub("", there.read_text("utf-8")), re.M)}
                    dead += [] if anchor in anchors else [f"{page}: {target}"]
        assert dead == []

    def test_commands_in_shell_blocks_are_there(self):
        seen, wrong = 0, []
        for page, text in pages().items():
            for line in shell_lines(text):
                _, words = program(line)
                if words and words[0] in ("gis", "./gis"):
                    seen += 1
                    wrong += [f"{page}: {line.strip()}: {fault}"] if (fault := wrong_use(words[1:])) else []
                if words and words[0] == "./run":
                    wrong += [] if wrong_use(["up", *words[1:]]) is None else [f"{page}: {line.strip()}"]
        assert wrong == []
        assert seen > 30

    def test_commands_in_the_text_are_there(self):
        wrong = []
        for page, text in pages().items():
            for code in CODE.findall(FENCE.sub("", text)):
                words = code.split()
                if words[:1] in (["gis"], ["./gis"]) and page.name != "CHANGELOG.md":
                    names = [word for word in words[1:] if re.fullmatch(r"[a-z][a-z-]*", word)][:2]
                    command: click.Command | None = gis
                    for name in names:
                        if isinstance(command, click.Group):
                            command = command.get_command(click.Context(command), name)
                    wrong += [f"{page}: {code}"] if command is None else []
        assert wrong == []

    def test_settings_named_are_settings(self):
        known = {f"GIS_{name.upper()}" for name in Settings.model_fields} | NOT_SETTINGS
        assert {f"{page}: {name}" for page, text in pages().items() for name in SETTING.findall(text) if name not in known} == set()

    def test_files_in_shell_blocks_are_there(self):
        missing = [f"{page}: {word}" for page, text in pages().items() for line in shell_lines(text)
                   for word in re.findall(r"\bconfig/[\w./-]+", line) if not (ROOT / word).exists()]
        assert missing == []

    def test_addresses_that_are_asked_are_there(self):
        seen, wrong, known = 0, [], routes()
        for page, text in pages().items():
            for line in shell_lines(text):
                _, words = program(line)
                for word in words if words[:1] == ["curl"] else []:
                    if not (word.startswith("http") and (path := urlsplit(word).path)):
                        continue
                    seen += 1
                    method = "POST" if "-d" in words else "GET"
                    found = [route.matches({"type": "http", "path": path, "method": method})[0] for route in known]
                    wrong += [] if Match.FULL in found else [f"{page}: {method} {path}"]
        assert wrong == []
        assert seen > 10

    def test_the_architecture_names_what_the_code_has(self):
        text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
        walks = text.partition("## The walks")[2].partition("## On the wire")[0]
        sources = "\n".join(path.read_text("utf-8") for folder in ("layers", "tiles", "spatial_models", "gisserver")
                            for path in (ROOT / folder).rglob("*") if path.suffix in (".py", ".sql"))
        names = {name.rpartition(".")[2] for name in CODE.findall(walks) if re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)?", name)}
        assert len(names) > 40
        assert sorted(name for name in names if not re.search(rf"\b{name}\b", sources)) == []
        assert re.findall(r"\.py:\d+", text) == []
        assert len(text.splitlines()) < 250


class TestBothLanguages:
    def test_every_how_to_has_its_twin(self):
        assert HOWTOS == sorted(path.name for path in (ROOT / "docs" / "zh" / "howto").glob("*.md"))
        assert len(HOWTOS) >= 6

    @pytest.mark.parametrize("name", HOWTOS)
    def test_twins_give_the_same_commands(self, name: str):
        one, other = ((ROOT / folder / name).read_text("utf-8") for folder in ("docs/howto", "docs/zh/howto"))
        assert len(re.findall("^## ", one, re.M)) == len(re.findall("^## ", other, re.M))

        def spoken(text: str) -> list[str]:
            # what is said in quotation marks is in the page's own language
            return [re.sub(r'(--title|--reason) "[^"]*"', r"\1", line) for line in shell_lines(text)]

        assert spoken(one) == spoken(other)

    def test_the_two_readmes_too(self):
        one, other = ((ROOT / name).read_text("utf-8") for name in ("README.md", "README.zh-CN.md"))
        assert [program(line) for line in shell_lines(one)] == [program(line) for line in shell_lines(other)]
        for text in (one, other):
            assert "docs/images/map.png" in text and "(LICENSE)" in text


def test_the_picture_is_of_the_size_that_the_script_makes():
    path = ROOT / "docs" / "images" / "map.png"
    with Image.open(path) as picture:
        assert picture.size == (SIZE["width"], SIZE["height"])
    assert path.stat().st_size <= LARGEST_BYTES


def test_pictures_for_each_kind_of_user_are_those_of_the_script():
    assert {path.stem for path in FOLDER.glob("*.png")} == {guide.name for guide in GUIDES}
    for folder in ("howto", "zh/howto"):
        shown = "".join(path.read_text("utf-8") for path in (ROOT / "docs" / folder).glob("*.md"))
        assert [guide.name for guide in GUIDES if f"/guides/{guide.name}.png" not in shown] == []


class TestTheReaderItself:
    """What this test would miss, it could not hold."""

    @pytest.mark.parametrize("line", ["layr list", "layer plann", "import a.gpkg --layr x", "export building", "user add", "up --emty",
                                      "import a.gpkg --on-missing drop", "layer show a b", "key create wang"])
    def test_sees_wrong_commands(self, line: str):
        assert wrong_use(line.split()) is not None

    @pytest.mark.parametrize("line", ["layer list", "export building a.csv --at 2015", "key create wang --title x --layer a --layer b", "--help", "layer --help"])
    def test_passes_right_ones(self, line: str):
        assert wrong_use(line.split()) is None

    def test_reads_shell_blocks(self):
        text = "```sh\nGIS_PORT=1 ./gis doctor   # look\ncurl -d '{\n \"a\": 1}' x | head\n```\n```python\ngis no\n```\n"
        lines = list(shell_lines(text))
        assert [program(line)[1] for line in lines] == [["./gis", "doctor"], ["curl", "-d", '{\n "a": 1}', "x"]]

    def test_makes_the_anchors_of_viewers(self):
        assert slug("`gis import`") == "gis-import"
        assert slug("Exit codes 退出码") == "exit-codes-退出码"
