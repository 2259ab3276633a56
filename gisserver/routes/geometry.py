"""`/api/geometry/…`: what an editor does to a drawn geometry, computed where the city is kept, so that results are the store's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal

import orjson
import shapely
from pydantic import Field
from shapely.geometry import shape
from starlette.responses import Response
from starlette.routing import Route

from gisserver.endpoint import route
from gisserver.request import Request
from gisserver.routes.bodies import Body, answer, read_body
from gisserver.wording import WrongParameter
from layers.crs import CRS84, make_crs, offered, transformer
from layers.errors import InvalidParameter
from spatial_models import geometry_edits
from spatial_models.geometry_edits import CannotEdit, faults_of
from spatial_models.measures import measure

if TYPE_CHECKING:
    from gisserver.context import Context

__all__ = ["routes"]

MOST_VERTICES = 20_000
MOST_MERGED = 200
# Of degrees; a tenth of a millimetre.
DECIMALS = 9
GeoJson = dict[str, Any]


class One(Body):
    """A geometry, GeoJSON in CRS84."""

    geometry: GeoJson


class Cut(One):
    line: GeoJson


class Many(Body):
    geometries: list[GeoJson] = Field(min_length=2, max_length=MOST_MERGED)


class Hole(One):
    """`area` is cut out; or the holes are filled that `place` lies in, or all of them."""

    area: GeoJson | None = None
    place: GeoJson | None = None


class Moved(One):
    """Metres to the east and north, then degrees clockwise about the centroid."""

    east_m: float = Field(default=0, ge=-1e6, le=1e6)
    north_m: float = Field(default=0, ge=-1e6, le=1e6)
    rotate_deg: float = Field(default=0, ge=-360, le=360)


class Positions(Body):
    """Positions, x east and y north, from one of the city's systems to another, by EPSG code."""

    positions: list[list[float]] = Field(min_length=1, max_length=MOST_VERTICES)
    source: int = Field(ge=1, le=999_999)
    target: int = Field(ge=1, le=999_999)


def _read(value: GeoJson, name: str, kinds: tuple[str, ...] = (), valid: bool = True) -> shapely.Geometry:
    try:
        made = shapely.force_2d(shape(value))
    except Exception:  # shapely raises many kinds for what is no GeoJSON
        raise InvalidParameter(name, "is no GeoJSON geometry.", "不是有效的 GeoJSON 几何") from None
    if made.is_empty or made.geom_type == "GeometryCollection" or (kinds and made.geom_type not in kinds):
        wanted = ", ".join(kinds) or "a geometry that is not empty and no collection"
        raise InvalidParameter(name, f"must be {wanted}.", f"应为 {wanted}")
    minx, miny, maxx, maxy = made.bounds
    if not (-180 <= minx and maxx <= 180 and -90 <= miny and maxy <= 90):
        raise InvalidParameter(name, "must be in degrees of longitude and latitude (CRS84).", "坐标应为经纬度（CRS84）")
    if shapely.get_num_coordinates(made) > MOST_VERTICES:
        raise InvalidParameter(name, f"has more than {MOST_VERTICES} vertices.", f"顶点超过 {MOST_VERTICES} 个")
    if valid and (faults := faults_of(made)):
        raise InvalidParameter(name, f"{faults[0].words.en}.", faults[0].words.zh)
    return made


def _done(name: str, act: Callable[[], Any]) -> Any:
    try:
        return act()
    except CannotEdit as refused:
        raise InvalidParameter(name, refused.words.en, refused.words.zh) from None
    except (shapely.errors.GEOSException, ValueError) as error:
        raise InvalidParameter(name, f"gives no usable geometry: {error}.", "无法得到可用的图形，请检查后重画") from None


def _written(geometry: shapely.Geometry) -> orjson.Fragment:
    return orjson.Fragment(shapely.to_geojson(shapely.transform(geometry, lambda xy: xy.round(DECIMALS))))


def _described(request: Request, geometry: shapely.Geometry) -> dict[str, Any]:
    """Write a geometry with its measures in the city's grid, as it would be stored."""
    found = _done("geometry", lambda: measure(geometry, CRS84.srid, request.context.catalogue.city.projected_srid))
    return {"geometry": _written(geometry), "area_m2": found.grid_area_m2, "length_m": found.grid_length_m,
            "measured_in": make_crs(request.context.catalogue.city.projected_srid).uri}


def post_split(request: Request) -> Response:
    """Answer the pieces that a line cuts a geometry into, the largest first."""
    request.parameters.finish()
    body = read_body(request, Cut)
    own, line = _read(body.geometry, "geometry"), _read(body.line, "line", ("LineString",))
    pieces = _done("line", lambda: geometry_edits.split(own, line))
    return answer({"parts": [_described(request, piece) for piece in pieces]})


def post_merge(request: Request) -> Response:
    """Answer the union of some geometries."""
    request.parameters.finish()
    body = read_body(request, Many)
    given = [_read(one, f"geometries[{i}]") for i, one in enumerate(body.geometries)]
    return answer(_described(request, _done("geometries", lambda: geometry_edits.merge(given))))


def post_reshape(request: Request) -> Response:
    """Answer a geometry with a part of its boundary replaced by a line."""
    request.parameters.finish()
    body = read_body(request, Cut)
    own, line = _read(body.geometry, "geometry"), _read(body.line, "line", ("LineString",))
    return answer(_described(request, _done("line", lambda: geometry_edits.reshape(own, line))))


def post_hole(request: Request) -> Response:
    """Answer an area with a hole more, or with holes filled."""
    request.parameters.finish()
    body = read_body(request, Hole)
    own = _read(body.geometry, "geometry", ("Polygon", "MultiPolygon"))
    if body.area is not None:
        if body.place is not None:
            raise WrongParameter("place", "excludes", other="area")
        area = _read(body.area, "area", ("Polygon", "MultiPolygon"))
        return answer(_described(request, _done("area", lambda: geometry_edits.cut_hole(own, area))))
    place = None if body.place is None else _read(body.place, "place", ("Point",))
    return answer(_described(request, _done("place", lambda: geometry_edits.fill_holes(own, place))))


def post_move(request: Request) -> Response:
    """Answer a geometry moved and turned in the city's projected system."""
    request.parameters.finish()
    body = read_body(request, Moved)
    own, plane = _read(body.geometry, "geometry", valid=False), request.context.catalogue.city.projected_srid
    moved = _done("geometry", lambda: geometry_edits.move(own, CRS84.srid, plane, body.east_m, body.north_m))
    if body.rotate_deg:
        moved = _done("rotate_deg", lambda: geometry_edits.rotate(moved, CRS84.srid, plane, body.rotate_deg))
    return answer(_described(request, moved))


def post_measure(request: Request) -> Response:
    """Answer lengths and areas of a geometry, on the ellipsoid and in the grid, and how each was measured."""
    request.parameters.finish()
    body = read_body(request, One)
    own = _read(body.geometry, "geometry", valid=False)
    plane = make_crs(request.context.catalogue.city.projected_srid)
    return answer({**asdict(_done("geometry", lambda: measure(own, CRS84.srid, plane.srid))),
                   "ellipsoid": "GRS 80", "measured_in": plane.uri, "srid": plane.srid})


def post_check(request: Request) -> Response:
    """Answer what is wrong with a geometry, each fault with its place."""
    request.parameters.finish()
    body = read_body(request, One)
    own = _read(body.geometry, "geometry", valid=False)
    return answer({"valid": not (found := faults_of(own)), "faults": [
        {"code": fault.code, "message": fault.words.to(request.language), "place": fault.place} for fault in found]})


def post_positions(request: Request) -> Response:
    """Answer positions in another of the city's coordinate systems."""
    request.parameters.finish()
    body = read_body(request, Positions)
    city = request.context.catalogue.city
    known: dict[int, Literal[True]] = dict.fromkeys((crs.srid for crs in offered(city.storage_srid, city.projected_srid)), True)
    for name in ("source", "target"):
        if getattr(body, name) not in known:
            raise WrongParameter(name, "choice", value=getattr(body, name), choices=", ".join(map(str, known)))
    if any(len(position) != 2 for position in body.positions):
        raise InvalidParameter("positions", "are pairs of x and y.", "应为成对的 x、y")
    columns = list(zip(*body.positions, strict=True))
    east, north = transformer(body.source, body.target).transform(columns[0], columns[1])
    if not all(abs(value) < 1e12 for value in (*east, *north)):
        raise InvalidParameter("positions", "lie outside the area of the coordinate system.", "超出坐标系的适用范围")
    digits = DECIMALS if make_crs(body.target).is_geographic else 4
    return answer({"positions": [[round(x, digits), round(y, digits)] for x, y in zip(east, north, strict=True)],
                   "source": body.source, "target": body.target})


def routes(context: Context) -> list[Route]:
    """Return the routes of geometry operations."""
    handlers = {"split": post_split, "merge": post_merge, "reshape": post_reshape, "hole": post_hole, "move": post_move,
                "measure": post_measure, "check": post_check, "positions": post_positions}
    return [route(context, f"/api/geometry/{name}", handler, ("POST",)) for name, handler in handlers.items()]
