"""Pictures of styles that count another layer: whoever asks for very many of them waits for himself, and holds up no other map."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait

import pytest

from config.settings import Settings
from gisserver.asgi import application, open_context
from gisserver.context import THREADS, Context
from layers.access import OWNER
from layers.catalogue import Catalogue
from layers.edits import Changeset, Edit, apply_changeset
from layers.errors import Unavailable
from layers.layer import Class, Counted, Text, Variant, parse_layer
from layers.plan import apply
from layers.published_styles import publish_style, withdraw_style
from layers.query import ItemQuery
from layers.store import Store
from tests.gisserver.conftest import Town
from tests.gisserver.in_process import InProcess
from tiles import measured
from tiles.themes import themed

TEXT = {"zh": "字", "en": "Text"}
TILE = "/map/tiles/WebMercatorQuad/14/6200/13496"


@pytest.fixture(scope="module")
def style(store: Store, town: Town) -> Iterator[str]:
    """Houses in districts, counted."""
    yield from counting(store, "district")


@pytest.fixture(scope="module")
def dense(store: Store, town: Town) -> Iterator[str]:
    """Houses in houses, which are shown in cells from afar."""
    yield from counting(store, "building")


def counting(store: Store, layer: str) -> Iterator[str]:
    layers = Catalogue(store).layers
    classes = tuple(Class(below=below, color=color) for below, color in ((4, "#eeeeee"), (None, "#aa0011")))
    made = publish_style(store, layers[layer], None, "房屋数量", Variant(  # type: ignore[arg-type]
        name="new", title=Text(zh="数", en="n"), of=Counted(layer="building"), classes=classes, no_data="#123456").counting(layers["building"]))
    yield made.name
    withdraw_style(store, made.id)


@pytest.fixture(scope="module")
def context(store: Store, style: str, dense: str) -> Context:
    return open_context(Settings(database_url=store.dsn))


@pytest.fixture(scope="module")
def client(context: Context) -> Iterator[InProcess]:
    with InProcess(application(context)) as running:
        yield running


def test_who_waits_for_what_is_counted_holds_up_no_other_map(context: Context, client: InProcess, style: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as there are threads ask for days of their own, while something is being counted."""
    monkeypatch.setattr(measured, "COUNTING_S", 6)
    one, look = f"/ogc/collections/district/styles/{style}{TILE}", f"/ogc{TILE}?collections=district&styles={style}"
    with ThreadPoolExecutor(2 * THREADS) as pool:
        assert client.get(one).status_code == 200
        (room,) = [room for of, room in measured._rooms.items() if of is context.store]
        with room.counting:
            asked = [pool.submit(client.get, f"{path}{'&' if '?' in path else '?'}known-at={n + 1}") for n in range(THREADS) for path in (one, look)]
            time.sleep(1)
            begun = time.monotonic()
            assert client.get(f"/ogc/collections/green_space{TILE}").status_code in (200, 204)
            assert time.monotonic() - begun < 3
        wait(asked, 60)
    assert {each.result().status_code for each in asked} <= {200, 400, 503}


def test_who_waits_too_long_is_told(store: Store, style: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measured, "COUNTING_S", 0.2)
    drawn = themed(Catalogue(store).layers["district"], style, OWNER)
    assert drawn is not None
    query = ItemQuery(drawn, OWNER, known_at=1)
    measured.counted_numbers(store, ItemQuery(drawn, OWNER))
    with measured._rooms[store].counting, pytest.raises(Unavailable, match="counted"):
        measured.counted_numbers(store, query)
    assert set(measured.counted_numbers(store, query).values()) == {0.0}


def test_numbers_go_with_the_definitions_that_they_were_counted_by(store: Store, town: Town) -> None:
    """A field is dropped, and another one gets its name: no changeset says so."""
    def defined(*names: str) -> Catalogue:
        apply(store, Catalogue(store).layers | {"zz_works": parse_layer({"id": "zz_works", "title": TEXT, "born": "runtime", "group": "place", "geometry": "Point", "fields": [
            {"name": name, "type": "number", "title": TEXT} for name in names]})}, allow_loss=True)
        return Catalogue(store)

    def counted() -> set[float]:
        drawn = themed(Catalogue(store).layers["district"], made.name, OWNER)
        assert drawn is not None
        return set(measured.counted_numbers(store, ItemQuery(drawn, OWNER)).values())

    there = defined("cost", "other")
    apply_changeset(store, there, OWNER, Changeset([Edit("zz_works", "create", properties={"cost": 7}, valid_from="2000", geometry={
        "type": "Point", "coordinates": [116.31, 39.9]})], "clerk", "works"))
    made = publish_style(store, there.layers["district"], None, "费用", Variant(  # type: ignore[arg-type]
        name="new", title=Text(**TEXT), of=Counted(layer="zz_works", measure="sum", field="cost"),
        classes=(Class(below=4, color="#eeeeee"), Class(color="#aa0011")), no_data="#123456").counting(there.layers["zz_works"]))
    assert counted() == {7.0}
    defined("other")
    defined("cost", "other")
    assert counted() == set()
    withdraw_style(store, made.id)


def test_a_dense_layer_from_afar_is_drawn_and_told_without_classes(client: InProcess, dense: str) -> None:
    """Cells know nothing of what lies in each feature; also where they are counted anew they are drawn."""
    where = "/map/tiles/WebMercatorQuad/10/387/843"
    asked = {"SERVICE": "WMS", "VERSION": "1.1.1", "REQUEST": "GetFeatureInfo", "LAYERS": "building", "QUERY_LAYERS": "building", "STYLES": dense, "SRS": "EPSG:4326",
             "BBOX": "116.2405,39.7505,116.5405,40.0505", "WIDTH": "100", "HEIGHT": "100", "X": "50", "Y": "50", "INFO_FORMAT": "application/json"}
    for path in (f"/ogc/collections/building/styles/{dense}{where}?known-at=3", f"/ogc{where}?collections=building&styles={dense}&filters=%7B%22building%22%3A%22height_m%3E1%22%7D"):
        answer = client.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png"), answer.text
    for time_of in ("", "2001-01-01/2020-01-01"):
        (cell,) = client.get("/wms", params=asked | {"TIME": time_of}).json()["features"]
        assert cell["properties"]["cell:count"] == 5 and "cell:classes" not in cell["properties"]
