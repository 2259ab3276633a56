"""The change stream: what happened, at once, to whom it concerns, and nothing missed after a break."""

from __future__ import annotations

import json
import math
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from gisserver.events import event_text
from layers.access import OWNER, Audience, LayerGrant
from layers.history import ChangesetInfo, TouchedLayer
from layers.store import Store
from tests.conftest import LiveServer, Serve
from tests.gisserver.conftest import As, Town, building

ITEMS = "/ogc/collections/building/items"


@contextmanager
def listening(live: LiveServer, **headers: str) -> Iterator[Iterator[dict[str, Any]]]:
    with httpx.Client(base_url=live.url, timeout=30) as client, client.stream("GET", "/api/changes/stream", headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield events(answer.iter_lines())


def events(lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    event: dict[str, Any] = {}
    for line in lines:
        name, _, value = line.partition(": ")
        if line == "" and "data" in event:
            yield event
            event = {}
        elif name in ("id", "event", "data"):
            event[name] = json.loads(value) if name == "data" else value


def write(editor: httpx.Client, name: str, x: float) -> int:
    made = editor.post(ITEMS, json=building(name, x, 39.93), headers={"Content-Type": "application/geo+json"})
    assert made.status_code == 201, made.text
    return int(made.headers["gis-seq"])


def test_an_edit_is_heard_at_once(live_server: LiveServer, as_role: As, town: Town) -> None:
    editor = as_role("editor")
    with listening(live_server) as heard:
        begun = time.monotonic()
        seq = write(editor, "流一", 116.31)
        event = next(heard)
        assert time.monotonic() - begun < 2
        assert (event["event"], int(event["id"])) == ("change", seq)
        assert event["data"]["layers"] == ["building"]
        assert event["data"]["envelope"] == pytest.approx([116.31, 39.93, 116.311, 39.931])
        assert event["data"]["valid"][1] is None


def test_a_break_misses_nothing(live_server: LiveServer, as_role: As, town: Town) -> None:
    editor = as_role("editor")
    first = write(editor, "流二", 116.32)
    others = [write(editor, f"流二{i}", 116.33 + i / 100) for i in range(3)]
    with listening(live_server, **{"Last-Event-ID": str(first)}) as heard:
        assert [int(next(heard)["id"]) for _ in others] == others
    # From before what this process remembers: it was read from the store.
    with listening(live_server, **{"Last-Event-ID": "1"}) as heard:
        assert int(next(heard)["id"]) == 2


def test_a_server_that_is_told_to_end_ends_its_streams(store: Store, serve: Serve, town: Town) -> None:
    with serve(store) as live, listening(live) as heard:
        begun = time.monotonic()
        live.process.send_signal(signal.SIGTERM)
        assert list(heard) == []
        live.process.wait(10)
        assert time.monotonic() - begun < 4


def test_every_process_shows_what_another_wrote(store: Store, serve: Serve, as_role: As, town: Town) -> None:
    # Where 116.445 E, 39.93 N is at level 14, by the formula of the grid.
    row, column = (1 - math.asinh(math.tan(math.radians(39.9305))) / math.pi) / 2 * 2**14, (116.4455 + 180) / 360 * 2**14
    tile = f"/ogc/collections/building/tiles/WebMercatorQuad/14/{int(row)}/{int(column)}"
    with serve(store) as other, httpx.Client(base_url=other.url, timeout=30) as client, listening(other) as heard:
        assert client.get(tile).status_code == 204            # it is kept now
        seq = write(as_role("editor"), "彼楼", 116.445)
        fresh = client.get(tile, headers={"Gis-Seq": str(seq)})
        assert "彼楼".encode() in fresh.content
        assert int(next(heard)["id"]) == seq
        assert "彼楼".encode() in client.get(tile).content       # heard of, it is fresh for everybody


def test_head_of_the_stream_ends(http: httpx.Client) -> None:
    answer = http.head("/api/changes/stream")
    assert (answer.status_code, answer.content) == (200, b"")


def test_the_stream_takes_only_its_parameter(http: httpx.Client) -> None:
    assert http.get("/api/changes/stream", params={"since": "x"}).json()["parameter"] == "since"
    assert http.get("/api/changes/stream", params={"nix": "1"}).json()["parameter"] == "nix"


def info(*touched: TouchedLayer) -> ChangesetInfo:
    return ChangesetInfo(7, datetime.now(UTC), "a", "b", "edit", None, None, None, touched)


PARCEL = TouchedLayer("parcel", 1, 0, (1.0, 1.0, 2.0, 2.0), "2001-01-01T00:00:00+00:00", None)
BUILDING = TouchedLayer("building", 1, 1, (3.0, 0.0, 4.0, 1.0), "2000-01-01T00:00:00+00:00", "2010-01-01T00:00:00+00:00")


def told(audience: Audience, *touched: TouchedLayer) -> dict[str, Any] | None:
    text = event_text(info(*touched), audience)
    return None if text is None else json.loads(text.split(b"data: ")[1])


def test_who_hears_what() -> None:
    assert told(OWNER, PARCEL, BUILDING) == {"seq": 7, "layers": ["parcel", "building"], "envelope": [1.0, 0.0, 4.0, 2.0],
                                             "valid": ["2000-01-01T00:00:00+00:00", None]}
    one = Audience("r", "f", {"parcel": LayerGrant("parcel")})
    assert told(one, PARCEL, BUILDING) == {"seq": 7, "layers": ["parcel"], "envelope": [1.0, 1.0, 2.0, 2.0],
                                           "valid": ["2001-01-01T00:00:00+00:00", None]}
    assert told(one, BUILDING) is None
    # A reader of one district is not told where rows of others are.
    limited = Audience("r", "g", {"parcel": LayerGrant("parcel", districts=("110101",))})
    assert told(limited, PARCEL) == {"seq": 7, "layers": ["parcel"], "envelope": None, "valid": None}
