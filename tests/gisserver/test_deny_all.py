"""No address tells a reader without grants anything of a layer: every route is walked, also those that will be added.

What may not be told is a layer with names that stand nowhere else. Where an address names the layer, the answer must be the
one for a layer that does not exist, letter by letter. The same walk by a reader who may see it finds it, or the test is blind.
"""

from __future__ import annotations

import asyncio
import re
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count, product
from typing import Any
from urllib.parse import quote

import orjson
import pytest
import zstandard
from starlette.routing import BaseRoute, Mount, Route

from config.settings import Settings
from gisserver.asgi import application, open_context
from gisserver.context import Context
from gisserver.identity import Identity
from gisserver.observe import Observed
from layers.access import OWNER
from layers.accounts import create_account
from layers.audit import Actor
from layers.catalogue import Catalogue
from layers.edits import Changeset, Edit, apply_changeset
from layers.keys import create_key
from layers.layer import parse_layer
from layers.plan import register
from layers.roles import CAPABILITIES, Roles
from layers.sessions import open_session
from layers.store import Store

SECRET = "zzsecret"
# What only the secret layer has, and as long a name that nothing has.
NAMES = ((SECRET, "zzabsent"), ("zzfield", "yyfield"), ("zzvalue", "yyvalue"), ("隐秘楼", "虚无楼"))
TITLE = {"zh": "隐秘之地", "en": "Zzsecret ground"}
LAYER = {"id": SECRET, "title": TITLE, "born": "runtime", "group": "imported", "geometry": "Polygon", "label": "zzfield",
         "district": "district_code",
         "fields": [{"name": "zzfield", "type": "string", "title": {"zh": "隐秘字段", "en": "Zzsecret field"}, "search": "name", "tile": True},
                    {"name": "district_code", "type": "string", "title": {"zh": "区", "en": "District"}}],
         "symbology": {"color": "#123457"}}
VALUE = "zzvalue 隐秘楼"
MARKS = [mark.encode() for mark in ("zzsecret", "zzfield", "zzvalue", "隐秘")]
MARKS += [orjson.dumps("隐秘")[1:-1], quote("隐秘").encode(), b"\\u9690\\u79d8"]
PLAIN = {"title": {"zh": "角色", "en": "Role"}, "description": {"zh": "角色", "en": "Role"}, "max_grade": "L4"}
ROLES = Roles.model_validate({"public": "public", "roles": {
    "public": PLAIN, "nothing": PLAIN,
    "everything": {**PLAIN, "default": {"read": "all", "edit": "all", "personal": "all"}, "capabilities": list(CAPABILITIES)}}})

_WMS = "service=WMS&version=1.3.0&crs=EPSG:4490&bbox=39.9,116.3,39.92,116.32&width=20&height=20"
# What an address needs beyond its path to be worth asking; routes that are not named here are asked without parameters.
QUESTIONS = {
    "/wms": ("", "service=WMS&request=GetCapabilities", f"{_WMS}&request=GetMap&layers=zzsecret&format=image/png",
             f"{_WMS}&request=GetMap&layers=city&format=image/png",
             f"{_WMS}&request=GetFeatureInfo&layers=zzsecret&query_layers=zzsecret&info_format=text/plain&i=10&j=10",
             f"{_WMS}&request=GetFeatureInfo&layers=city&query_layers=city&info_format=application/json&i=10&j=10",
             "request=GetLegendGraphic&layer=zzsecret&format=application/json", "request=GetLegendGraphic&layer=zzsecret"),
    "/wmts": ("", "service=WMTS&request=GetCapabilities",
              "service=WMTS&request=GetTile&layer=zzsecret&tilematrixset=WebMercatorQuad&tilematrix=14&tilerow=6207&tilecol=13486"),
    "/ogc/map": ("", "collections=zzsecret", "bbox=116.3,39.9,116.32,39.92"),
    "/ogc/collections/{collection}/map": ("", "bbox=116.3,39.9,116.32,39.92"),
    "/api/search": ("q=zzvalue", "q=%E9%9A%90%E7%A7%98%E6%A5%BC"),
    "/api/diff": ("layer=zzsecret&from=2000-01-01&to=2030-01-01",),
    "/api/changes/counts": ("layers=zzsecret&from=2000&to=2030",),
    "/api/changesets": ("", "since=0&limit=1000"),
    "/api/changes/stream": ("since=0",),
    "/ogc/collections/{collection}/items": ("", "limit=100", "bbox=116,39,117,41", "filter=zzfield%20IS%20NOT%20NULL", "datetime=../..",
                                            "known-at=1", "resulttype=hits", "reason=curious%20people"),
    "/ogc/collections/{collection}/items/{fid}": ("", "reason=curious%20people", "datetime=2020-01-01"),
}
FORMS = ("", "f=html", "f=csv")
BODIES = (("application/json", ""), ("application/json", "{}"),
          ("application/json", '{"edits": [{"op": "create", "layer": "zzsecret", "properties": {"zzfield": "x"}}], "reason": "x"}'),
          ("application/geo+json", '{"type": "Feature", "geometry": null, "properties": {"zzfield": "x"}}'),
          ("application/json", '{"layers": [{"layer": "zzsecret", "by": "zzfield"}]}'),
          ("application/json", '{"layer": "zzsecret", "field": "zzfield", "bbox": [116, 39, 117, 41]}'),
          ("application/json", '{"layer": "zzsecret", "title": "x", "conditions": [], "filter": {"op": "=", "args": [{"property": "zzfield"}, "x"]}}'),
          ("application/json", '{"layer": "zzsecret", "value": {"of": {"layer": "zzsecret"}}}'),
          ("application/json", '{"layer": "zzsecret", "bbox": [116, 39, 117, 41], "zoom": 12}'),
          ("application/json", '{"layer": "zzsecret", "title": "x", "theme": {"value": {"field": "zzfield", "per": "none"}}}'))
UNSAFE = ("POST", "PUT", "PATCH", "DELETE")
ENDS_SESSION = ("/auth/logout", "/auth/password")
DENIED = ("public", "person", "key", "empty key")
READERS = ("everything", *DENIED)
STREAM_S = 1.0
NUMBERS = count(1)


@dataclass
class Answer:
    """One answer: what was asked, its status, headers and body (without compression)."""

    method: str
    address: str
    sent: str
    status: int = 0
    headers: dict[bytes, bytes] = field(default_factory=dict)
    body: bytes = b""

    @property
    def asked(self) -> str:
        return f"{self.method} {self.address} {self.sent}".strip()

    def told(self) -> list[bytes]:
        return [mark for mark in MARKS if mark in self.body.lower() or any(mark in v.lower() for v in self.headers.values())]

    def plain(self) -> tuple[int, bytes, dict[bytes, bytes]]:
        """The answer without the names that were asked for and without what differs between any two requests."""
        def common(text: bytes) -> bytes:
            for number, pair in enumerate(NAMES):
                for name in pair:
                    for spelling in (name.encode(), quote(name).encode(), orjson.dumps(name)[1:-1]):
                        text = text.replace(spelling, b"NAME%d" % number)
            text = re.sub(rb'"request_id":\s*"[^"]*"|[0-9a-f]{8}-[0-9]+', b"ID", text)
            text = re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[0-9.:+Z]*", b"TIME", text)
            return re.sub(rb'("time[A-Za-z_]*"|"retry_after_s"):\s*[^,}]*', b"TIME", text)

        kept = {k: common(v) for k, v in self.headers.items() if k not in (b"x-request-id", b"content-length", b"etag", b"server-timing")}
        return self.status, common(self.body), kept


def unknown(text: str) -> str:
    """The same request with names that nobody knows."""
    for secret, other in NAMES:
        text = text.replace(secret, other).replace(quote(secret), quote(other))
    return text


@dataclass
class Place:
    """The service, its secret, and what a path parameter can be so that the address leads to the secret."""

    context: Context
    app: Observed
    values: dict[str, list[str]]
    seq: int

    def routes(self) -> list[tuple[str, str]]:
        """Every (method, path) of the application."""
        return sorted(set(walk(routes_of(self.app))))


Walk = dict[str, list[tuple[Answer, Answer | None]]]


def routes_of(app: Any) -> list[BaseRoute]:
    """The routes of an application, through whatever is wrapped around it."""
    while not hasattr(app, "routes"):
        app = getattr(app, "app", None) or getattr(app, "router", None)
        assert app is not None, "no routes are found inside the application"
    found: list[BaseRoute] = app.routes
    return found


def walk(routes: list[BaseRoute], prefix: str = "") -> Iterator[tuple[str, str]]:
    for route in routes:
        if isinstance(route, Mount):
            yield from walk(list(route.routes), prefix + route.path)
        else:
            assert isinstance(route, Route), f"{route!r} is a kind of route that this test does not know"
            yield from ((method, prefix + route.path) for method in route.methods or () if method != "HEAD")


@pytest.fixture(scope="module")
def place(store: Store) -> Place:
    layer = parse_layer(LAYER)
    register(store, layer)
    catalogue = Catalogue(store)
    square = {"type": "Polygon", "coordinates": [[[116.3, 39.9], [116.32, 39.9], [116.32, 39.92], [116.3, 39.92], [116.3, 39.9]]]}
    made = apply_changeset(store, catalogue, OWNER, Changeset(
        [Edit(SECRET, "create", properties={"zzfield": VALUE, "district_code": "01"}, geometry=square, valid_from="2000-01-01")], "zzsecret work", "tester"))
    fid = made.fids[0]
    apply_changeset(store, catalogue, OWNER, Changeset(
        [Edit(SECRET, "correct", fid, properties={"zzfield": f"{VALUE} 2"}, valid_from="2000-01-01", expected_version=made.versions[0])],
        "zzsecret work", "tester"))
    context = open_context(Settings(database_url=store.dsn))
    context.identity = Identity(store, ROLES, context.catalogue)
    # Tile (14, 6207, 13486) of Web Mercator holds 39.91 N 116.31 E; as z/row/column.
    values = {"collection": [SECRET], "style": [SECRET, "default"], "time": ["current"], "fid": [str(fid), "1"], "tms": ["WebMercatorQuad"], "z": ["14"], "row": ["6207"],
              "col": ["13486"], "tile": ["6207"], "seq": [str(made.seq), "1"], "path": [SECRET, "index.html"], "record": [SECRET], "layer": [SECRET],
              "process": ["hello-world", SECRET], "job": [SECRET, "1"]}
    return Place(context, application(context), values, made.seq + 1)


class Asking:
    """A reader who asks: headers that say who it is."""

    def __init__(self, place: Place, store: Store, who: str) -> None:
        self.place, self.store, self.who = place, store, who
        self.headers: dict[str, str] = {}
        if who != "public":
            self._sign_in()

    def _sign_in(self) -> None:
        actor, role = Actor("tester"), "nothing" if self.who in ("person", "key") else "everything"
        made = create_account(self.store, ROLES, actor, f"reader{next(NUMBERS)}", "Wutong-Shu-7", [role], None)
        if "key" in self.who:
            # That of "empty key" belongs to somebody who sees everything, and is for no layer at all.
            key, _ = create_key(self.store, actor, made.account_id, "k", [] if self.who == "empty key" else None, can_edit=True)
            self.headers = {"authorization": f"Bearer {key}"}
        else:
            session = open_session(self.store, made, actor)
            self.headers = {"cookie": f"gis_session={session.token}", "x-csrf-token": session.csrf}

    async def ask(self, method: str, address: str, kind: str = "", body: str = "") -> Answer:
        path, _, query = address.partition("?")
        headers = {"host": "testserver", "accept-encoding": "gzip", **self.headers, **({"content-type": kind} if kind else {}),
                   **({"if-match": "*"} if method in UNSAFE else {})}
        scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http", "path": path,
                 "raw_path": path.encode(), "query_string": query.encode(), "root_path": "", "client": ("192.0.2.7", 4711),
                 "server": ("testserver", 80), "headers": [(k.encode(), v.encode()) for k, v in headers.items()], "state": {}}
        answer, is_sent, ended = Answer(method, address, body), False, asyncio.Event()

        async def receive() -> dict[str, Any]:
            nonlocal is_sent
            if not is_sent:
                is_sent = True
                return {"type": "http.request", "body": body.encode(), "more_body": False}
            await ended.wait()
            return {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                answer.status, answer.headers = message["status"], dict(message["headers"])
            else:
                answer.body += message.get("body", b"")

        # Streams never end by themselves; what they have to tell, they tell at once.
        is_stream = path.endswith("/stream")
        task = asyncio.create_task(self.place.app(scope, receive, send))
        done, _ = await asyncio.wait([task], timeout=STREAM_S if is_stream else 60)
        ended.set()
        if not done:
            assert is_stream, f"no answer to {answer.asked}"
            task.cancel()
        await asyncio.gather(task, return_exceptions=is_stream)
        match answer.headers.get(b"content-encoding"):
            case b"gzip":
                answer.body = zlib.decompressobj(31).decompress(answer.body)
            case b"zstd":
                answer.body = zstandard.ZstdDecompressor().decompressobj().decompress(answer.body)
        if path in ENDS_SESSION and self.headers:
            self._sign_in()
        return answer


def addresses(place: Place, method: str, path: str) -> Iterator[str]:
    """The addresses of a route that lead to the secret."""
    names = re.findall(r"\{(\w+)(?::\w+)?\}", path)
    for values in product(*(place.values.get(name, ["1", SECRET]) for name in names)):
        address = path
        for name, value in zip(names, values, strict=True):
            address = re.sub(rf"\{{{name}(:\w+)?\}}", value, address)
        if method != "GET":
            yield address
            continue
        for question, form in product(QUESTIONS.get(path, ("",)), FORMS):
            yield f"{address}?{'&'.join(part for part in (question, form) if part)}"


async def walk_all(place: Place, store: Store) -> Walk:
    """Ask every address as every reader; beside each answer that of the same question about what does not exist."""
    found: Walk = {}
    for who in READERS:
        asking = Asking(place, store, who)
        found[who] = []
        for method, path in place.routes():
            if method in UNSAFE and who == "everything":
                continue  # it would change what the others are asked about
            for address in addresses(place, method, path):
                for kind, body in BODIES if method in UNSAFE else (("", ""),):
                    answer = await asking.ask(method, address, kind, body)
                    other = None
                    if who != "everything" and (unknown(address), unknown(body)) != (address, body):
                        other = await asking.ask(method, unknown(address), kind, unknown(body))
                    found[who].append((answer, other))
    return found


@pytest.fixture(scope="module")
def walked(place: Place, store: Store) -> Walk:
    async def whole() -> Walk:
        to_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        from_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        life = asyncio.create_task(place.app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, to_app.get, from_app.put))
        await to_app.put({"type": "lifespan.startup"})
        assert (await from_app.get())["type"] == "lifespan.startup.complete"
        try:
            return await walk_all(place, store)
        finally:
            await to_app.put({"type": "lifespan.shutdown"})
            await life

    # In a thread of its own: a browser that other tests opened keeps an event loop in this one.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(whole())).result()


@pytest.mark.parametrize("who", DENIED)
class TestDenied:
    def test_nothing_is_told_that_was_not_asked_for(self, walked: Walk, who: str):
        told = {answer.asked: answer.told() for answer, other in walked[who] if other is None and answer.told()}
        assert told == {}

    def test_a_layer_one_may_not_see_is_one_that_does_not_exist(self, walked: Walk, who: str):
        pairs = [(answer, other) for answer, other in walked[who] if other is not None]
        assert len(pairs) > 100
        differ = {answer.asked: (answer.plain(), other.plain()) for answer, other in pairs if answer.plain() != other.plain()}
        assert differ == {}

    def test_nothing_is_changed(self, walked: Walk, who: str, place: Place, store: Store):
        assert [a.asked for a, _ in walked[who] if a.method != "GET" and a.status < 400 and not a.address.startswith("/auth/")] == []
        with store.read() as connection:
            assert connection.execute("SELECT count(*), max(seq) FROM gis.changeset").fetchone() == (place.seq, place.seq)

    def test_no_address_fails(self, walked: Walk, who: str):
        assert {a.asked: a.body for pair in walked[who] for a in pair if a is not None and not 200 <= a.status < 500} == {}


class TestTheWalkItself:
    """What the walk does not reach, it does not hold."""

    def test_who_may_see_it_sees_it(self, walked: Walk):
        telling = {answer.address.partition("?")[0].rstrip("0123456789") for answer, _ in walked["everything"] if answer.told()}
        layer = f"/ogc/collections/{SECRET}"
        assert telling >= {"/ogc/collections", layer, f"{layer}/items", f"{layer}/items/", f"{layer}/schema", f"{layer}/queryables",
                           f"{layer}/tilejson", f"{layer}/tiles/WebMercatorQuad/14/6207/", f"/ogc/styles/{SECRET}", "/api/config", "/api/search",
                           "/api/diff", "/api/changesets", "/api/changesets/", "/api/changes/stream", "/ogc/api"}

    def test_every_route_was_asked(self, walked: Walk, place: Place):
        for who in DENIED:
            asked = {(answer.method, answer.address.partition("?")[0]) for answer, _ in walked[who]}
            for method, path in place.routes():
                pattern = re.compile(re.sub(r"\{\w+:path\}", ".+", re.sub(r"\{\w+\}", "[^/]+", path)))
                assert any(m == method and pattern.fullmatch(address) for m, address in asked), (method, path)

    def test_finds_routes_however_deep(self):
        def handler() -> None: ...

        deep = [Route("/a", handler), Mount("/m", routes=[Mount("/n", routes=[Route("/b/{c}", handler, methods=["POST"])])])]
        assert set(walk(deep)) == {("GET", "/a"), ("POST", "/m/n/b/{c}")}
