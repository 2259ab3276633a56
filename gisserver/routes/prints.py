"""`/api/print`: a map on paper at true scale, or an atlas of features; made at once."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal
from zoneinfo import ZoneInfo

import orjson
import shapely
from pydantic import Field
from pyproj import CRS
from starlette.responses import Response
from starlette.routing import Route

from gisserver.endpoint import route
from gisserver.reply import reply_document
from gisserver.request import Request
from gisserver.routes.bodies import Body, read_body
from gisserver.sheets.furniture import Furniture, SheetPage
from gisserver.sheets.legend import legend_of
from gisserver.sheets.paper import PAPERS, Orientation, paper_of
from gisserver.sheets.sheet import as_picture, make_sheets
from gisserver.wording import WrongParameter
from layers.audit import record
from layers.crs import to_srid
from layers.errors import NotAuthenticated, UnknownFeature
from layers.features import rows
from layers.filters import parse_filter
from layers.history import seq_at
from layers.layer import Layer
from layers.moments import parse_moment
from layers.query import ItemQuery

if TYPE_CHECKING:
    from gisserver.context import Context

__all__ = ["MOST_PAGES", "routes"]

MOST_PAGES = 30
SCALES = (200, 2_000_000)
# What a font cannot write has no place in a title.
_UNWRITTEN = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]+")
WORDS = {
    "zh": {"seal": "（盖章区）", "north": "北", "system": "坐标系 {name}（EPSG:{srid}）", "state": "数据时点 {day}", "now": "当前",
           "made": "{user} 制图 {time}", "grid": "格网间距 {step} 米"},
    "en": {"seal": "(seal)", "north": "N", "system": "{name} (EPSG:{srid})", "state": "City as of {day}", "now": "now",
           "made": "Printed by {user}, {time}", "grid": "Grid of {step} m"}}


class PrintedLayer(Body):
    layer: str
    filter: dict[str, Any] | None = None
    datetime: str | None = None


class Atlas(Body):
    layer: str
    fids: list[int] = Field(min_length=1, max_length=MOST_PAGES)


class Wish(Body):
    layers: list[PrintedLayer] = Field(max_length=60)
    scale: float = Field(ge=SCALES[0], le=SCALES[1])
    center: list[float] | None = Field(default=None, min_length=2, max_length=2)
    paper: Literal["A4", "A3", "A2", "A1", "A0"] = "A4"
    orientation: Orientation = "landscape"
    title: str = Field(default="", max_length=120)
    format: Literal["pdf", "png"] = "pdf"
    datetime: str | None = None
    known_at: str | int | None = None
    grid: bool = True
    legend: bool = True
    seal: bool = True
    atlas: Atlas | None = None


def papers(request: Request) -> Response:
    """Answer the sheets there are, and how large the map is on each."""
    request.format(("json",))
    request.parameters.finish()
    found = [paper_of(name, orientation) for name in PAPERS for orientation in ("portrait", "landscape")]       # type: ignore[arg-type]
    return reply_document(request, {"papers": [
        {"paper": p.name, "orientation": p.orientation, "width_mm": p.width_mm, "height_mm": p.height_mm,
         "map_width_mm": round(p.width, 3), "map_height_mm": round(p.height, 3)} for p in found],
        "scales": {"minimum": SCALES[0], "maximum": SCALES[1]}, "most_pages": MOST_PAGES})


def post_print(request: Request) -> Response:
    """Make a sheet, or one for each feature of an atlas, as PDF (vectors) or PNG."""
    request.parameters.finish()
    if request.is_public:
        raise NotAuthenticated("Sign in first.")
    wish, context = read_body(request, Wish), request.context
    if (wish.center is None) == (wish.atlas is None):
        raise WrongParameter("center", "kind", value="given, or 'atlas' instead of it")
    if wish.format == "png" and wish.atlas is not None and len(wish.atlas.fids) > 1:
        raise WrongParameter("format", "choice", value="png", choices="pdf (an atlas has several pages)")
    language, city = request.language, context.catalogue.city
    queries = _queries(request, wish)
    title = _UNWRITTEN.sub(" ", wish.title).strip() or str(getattr(city.title, language))
    pages = _atlas_pages(request, wish, title) if wish.atlas else [
        SheetPage(paper_of(wish.paper, wish.orientation), _projected(city.projected_srid, wish.center or []), wish.scale, title)]
    made = make_sheets(context.store, queries, pages, city.projected_srid, _furniture(request, wish, queries), language)
    record(context.store, request.reader.acting(request.scope), "export", detail={
        "kind": "print", "paper": wish.paper, "scale": wish.scale, "pages": len(pages), "layers": [q.layer.id for q in queries]})
    body, kind = (as_picture(made), "image/png") if wish.format == "png" else (made, "application/pdf")
    name = f"map-{wish.paper}-{wish.scale:.0f}.{wish.format}"
    return Response(body, 200, {"Cache-Control": "no-store", "Content-Disposition": f'attachment; filename="{name}"'}, kind)


def _moment(text: str | None, name: str) -> datetime | None:
    return None if text is None else parse_moment(text, name).at


def _queries(request: Request, wish: Wish) -> list[ItemQuery]:
    known: int | None = None
    if wish.known_at is not None:
        text = str(wish.known_at)
        known = int(text) if text.isascii() and text.isdecimal() and len(text) < 17 else seq_at(request.context.store, parse_moment(text, "known_at").at)
    made = []
    for number, each in enumerate(wish.layers):
        layer = request.layer_called(each.layer)
        if layer.geometry is None or not layer.is_stored:
            raise WrongParameter(f"layers.{number}.layer", "geometry_kind", layer=layer.id)
        at = _moment(each.datetime, f"layers.{number}.datetime") or _moment(wish.datetime, "datetime")
        asked = None if each.filter is None else parse_filter(orjson.dumps(each.filter).decode(), "cql2-json")
        made.append(ItemQuery(layer, request.audience, at=at, known_at=known, filter=asked))
    return made


def _projected(srid: int, center: list[float]) -> tuple[float, float]:
    try:
        point = to_srid(shapely.Point(center), 4326, srid)
    except ValueError:
        raise WrongParameter("center", "bbox_degrees") from None
    if point.is_empty or not all(abs(v) < 1e8 for v in (point.x, point.y)):
        raise WrongParameter("center", "bbox_degrees")
    return point.x, point.y


def _atlas_pages(request: Request, wish: Wish, title: str) -> list[SheetPage]:
    """Return a page for each feature, in the order asked for, with its outline and its name."""
    assert wish.atlas is not None
    context, atlas = request.context, wish.atlas
    layer: Layer = request.layer_called(atlas.layer)
    if layer.geometry is None:
        raise WrongParameter("atlas.layer", "geometry_kind", layer=layer.id)
    srid = context.catalogue.city.projected_srid
    query = ItemQuery(layer, request.audience, at=_moment(wish.datetime, "datetime"), fids=tuple(atlas.fids), srid=srid, limit=None)
    found = {row["id"]: row for row in rows(context.store, query, "wkb")}
    pages = []
    for fid in atlas.fids:
        row = found.get(fid)
        if row is None or row["geometry"] is None:
            raise UnknownFeature(layer.id, fid)
        geometry = shapely.force_2d(shapely.from_wkb(row["geometry"]))
        minx, miny, maxx, maxy = geometry.bounds
        name = row.get(layer.label or "") or f"#{fid}"
        pages.append(SheetPage(paper_of(wish.paper, wish.orientation), ((minx + maxx) / 2, (miny + maxy) / 2), wish.scale,
                               _UNWRITTEN.sub(" ", f"{title} · {name}"), (geometry,)))
    return pages


def _furniture(request: Request, wish: Wish, queries: list[ItemQuery]) -> Furniture:
    language, city = request.language, request.context.catalogue.city
    words = WORDS[language]
    reader = request.reader
    user = reader.display_name or reader.username or reader.actor
    time = datetime.now(ZoneInfo(city.time_zone)).strftime("%Y-%m-%d %H:%M")
    drawn: dict[str, Layer] = {query.layer.id: query.layer for query in reversed(queries)}
    system = words["system"].format(name=CRS.from_epsg(city.projected_srid).name, srid=city.projected_srid)
    return Furniture(words, legend_of(drawn.values(), request.audience, language) if wish.legend else [], wish.grid, wish.seal, f"{user} {time}",
                     (system, words["state"].format(day=wish.datetime or words["now"]), words["made"].format(user=user, time=time)))


def routes(context: Context) -> list[Route]:
    """Return the routes of printing."""
    # Drawing takes its time; it must not hold the threads of everything else.
    return [route(context, "/api/print", papers), route(context, "/api/print", post_print, ("POST",), context.delegate_threads)]
