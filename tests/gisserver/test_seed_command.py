"""`gis seed`: what it makes is what the service answers; it goes on where it was killed; an archive is for one audience."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from pmtiles.reader import MmapSource, Reader
from pmtiles.tile import TileType

from config.settings import ROOT
from gisserver.cli import main
from layers.access import OWNER
from layers.catalogue import Catalogue
from layers.edits import Changeset, Edit, apply_changeset
from layers.store import Store
from tests.conftest import Serve
from tests.gisserver.conftest import WEST, Town, building

BOX = "116.29,39.89,116.45,39.91"


class Command:
    """`gis seed` on a store, with a folder of its own; run in this process, or begun in another to be killed."""

    def __init__(self, store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.settings = {"GIS_DATABASE_URL": store.dsn, "GIS_VAR": str(folder), "LC_ALL": "C.UTF-8"}
        self.capsys = capsys
        for name in os.environ:
            if name.startswith("GIS_"):
                monkeypatch.delenv(name)
        for name, value in self.settings.items():
            monkeypatch.setenv(name, value)

    def __call__(self, *arguments: str, code: int = 0) -> str:
        self.capsys.readouterr()
        ended = main(["seed", *arguments])
        said = "".join(self.capsys.readouterr())
        assert ended == code, said
        return said

    def begin(self, *arguments: str) -> subprocess.Popen[bytes]:
        environment = os.environ | self.settings | {"PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1"}
        return subprocess.Popen([sys.executable, "-m", "gisserver.cli", "seed", *arguments], env=environment, stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL)


@pytest.fixture
def run(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(store, tmp_path, monkeypatch, capsys)


def test_the_service_answers_what_was_seeded(store: Store, serve: Serve, town: Town, run: Command, tmp_path: Path) -> None:
    said = run("--layers", "building", "--zoom", "12-13", "--bbox", BOX)
    assert "tiles are there" in said
    assert "0 of them made now" in run("--layers", "building", "--zoom", "12-13", "--bbox", BOX)
    with serve(store, GIS_VAR=str(tmp_path)) as live, httpx.Client(base_url=live.url) as client:
        path = "/ogc/collections/building/tiles/WebMercatorQuad/13/3104/6743"
        answer = client.get(path)
        assert answer.status_code == 200 and answer.content
        fresh = client.get(path, params={"filter": "name IS NOT NULL OR name IS NULL"})
        assert fresh.content == answer.content, "made without the cache"


def test_it_goes_on_where_it_was_killed(store: Store, catalogue: Catalogue, town: Town, run: Command, tmp_path: Path) -> None:
    process = run.begin("--layers", "building", "--zoom", "12-17", "--threads", "1")
    deadline = time.monotonic() + 30
    while not any(p.stat().st_size > 400_000 for p in (tmp_path / "tiles").glob("*.sqlite*")):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    # An edit while nobody is there: what it touches must be made again, and nothing else.
    edited = building("夜里的楼", 116.3351, 39.9005)
    apply_changeset(store, catalogue, OWNER, Changeset((Edit("building", "create", properties=edited["properties"], geometry=edited["geometry"],
                                                             valid_from="2020"),), "somebody"))
    said = run("--layers", "building", "--zoom", "12-15")
    there, made = (int(said.split(word)[0].split()[-1].replace(",", "")) for word in (" of ", " of them made"))
    assert 0 < made < there, said
    assert "0 of them made now" in run("--layers", "building", "--zoom", "12-15")


def test_an_archive_holds_the_tiles_and_says_for_whom(store: Store, serve: Serve, town: Town, run: Command, tmp_path: Path) -> None:
    file = tmp_path / "city.pmtiles"
    run("--layers", "building,district", "--zoom", "12-13", "--bbox", BOX, "--to", str(file))
    assert not list(tmp_path.glob("*.part*"))
    with file.open("rb") as opened, serve(store) as live, httpx.Client(base_url=live.url) as client:
        archive = Reader(MmapSource(opened))
        metadata, header = archive.metadata(), archive.header()
        assert metadata["gis:readers"] == "public" and metadata["gis:audience"] and {"building", "district"} <= {
            entry["id"] for entry in metadata["vector_layers"]}
        assert header["tile_type"] == TileType.MVT and (header["min_zoom"], header["max_zoom"]) == (12, 13)
        body = gzip.decompress(archive.get(13, 6743, 3104))
        assert body == client.get("/ogc/tiles/WebMercatorQuad/13/3104/6743", params={"collections": "building,district"}).content
        assert archive.get(13, 0, 0) is None


def test_what_the_public_does_not_see_is_not_published_unasked(store: Store, town: Town, run: Command, tmp_path: Path) -> None:
    file = tmp_path / "inner.pmtiles"
    wide = ("--layers", "building", "--zoom", "12", "--bbox", BOX, "--to", str(file))
    assert "--confidential" in run(*wide, "--role", "planner", code=77) and not file.exists()
    run(*wide, "--role", "planner", "--confidential")
    with file.open("rb") as opened:
        assert Reader(MmapSource(opened)).metadata()["gis:readers"] == "planner"
    assert "another audience" in run(*wide, code=77), "a file keeps its audience"
    file.write_bytes(b"something else")
    assert "no PMTiles archive" in run(*wide, code=65)


@pytest.mark.parametrize(("arguments", "code", "words"), [
    (("--layers", "nothing"), 66, "nothing"), (("--zoom", "9-x"), 65, "zoom"), (("--zoom", "30"), 65, "level 24"), (("--bbox", "1,2"), 65, "bbox"),
    (("--bbox", "10,10,11,11"), 65, "outside"), (("--district", "999999"), 65, "999999"), (("--role", "king"), 65, "king"),
    (("--grid", "Nowhere"), 66, "Nowhere"),
    (("--kind", "picture", "--layers", "customer", "--role", "inspector", "--districts", WEST), 65, "districts")])
def test_what_is_wrong_is_named(town: Town, run: Command, arguments: tuple[str, ...], code: int, words: str) -> None:
    assert words in run(*arguments, code=code)


def test_pictures_and_districts(store: Store, town: Town, run: Command) -> None:
    assert "tiles are there" in run("--layers", "building", "--kind", "picture", "--zoom", "13", "--bbox", BOX)
    whole = run("--layers", "building", "--zoom", "14")
    part = run("--layers", "building", "--zoom", "14", "--district", WEST)
    counts = [int(said.split(" of ")[1].split()[0].replace(",", "")) for said in (whole, part)]
    assert 0 < counts[1] < counts[0] and "0 of them made now" in part
