"""Heights at points and along lines, as OGC API Environmental Data Retrieval asks: position and trajectory."""

from __future__ import annotations

import csv
import io
from typing import Any

import numpy as np
import shapely
from starlette.responses import Response

from gisserver.ogc.coverage_tiles import elevation_layer, height_field, rasters_for
from gisserver.ogc.questions import asked_tile
from gisserver.ogc.systems import asked_crs
from gisserver.parameters import number
from gisserver.reply import digest, dump, reply
from gisserver.request import Request
from gisserver.wording import WrongParameter
from layers.crs import Crs
from tiles.heights import HeightField
from tiles.profiles import MOST_PLACES, profile, slopes

__all__ = ["FORMATS", "data_queries", "parameter_names", "position", "trajectory"]

FORMATS = ("CoverageJSON", "json", "csv")
# name on the wire: (unit by UCUM, English, Chinese)
PARAMETERS = {"elevation": ("m", "Elevation", "高程"), "slope": ("deg", "Slope", "坡度"), "aspect": ("deg", "Aspect", "坡向"),
              "distance": ("m", "Distance from the beginning", "距起点距离")}
MOST_TEXT = 200_000


def data_queries(address: str) -> dict[str, Any]:
    """Return the questions that an elevation model answers, as its collection tells them."""
    return {name: {"link": {"href": f"{address}/{name}", "rel": "data", "variables": {
        "query_type": name, "output_formats": list(FORMATS), "default_output_format": FORMATS[0]}}} for name in ("position", "trajectory")}


def parameter_names() -> dict[str, Any]:
    """Return what can be asked of a place, with units."""
    return {name: {"type": "Parameter"} | _described(name) for name in ("elevation", "slope", "aspect")}


def _described(name: str) -> dict[str, Any]:
    unit, english, chinese = PARAMETERS[name]
    return {"observedProperty": {"label": {"en": english, "zh": chinese}},
            "unit": {"symbol": {"value": unit, "type": "http://www.opengis.net/def/uom/UCUM/"}}}


def position(request: Request) -> Response:
    """Answer the heights, and where asked for slope and aspect, of a point or of several."""
    form, crs, field = _asked(request)
    names = request.parameters.take_names("parameter-name", request.path["collection"], ("elevation", "slope", "aspect")) or ("elevation",)
    shape = _shape(request, ("Point", "MultiPoint"))
    request.parameters.finish()
    points = shapely.get_coordinates(shape)
    if len(points) > MOST_PLACES:
        raise WrongParameter("coords", "range", value=f"{len(points)} points", low=1, high=MOST_PLACES)
    x, y = (points[:, 1], points[:, 0]) if crs.flip else (points[:, 0], points[:, 1])
    values: dict[str, np.ndarray] = {"elevation": field.at(x, y, crs.srid)}
    if set(names) & {"slope", "aspect"}:
        values["slope"], values["aspect"] = slopes(field, x, y, crs.srid, request.context.catalogue.city.projected_srid)
    return _answer(request, form, crs, x, y, {name: values[name] for name in names}, {}, shape.geom_type)


def trajectory(request: Request) -> Response:
    """Answer the profile of a line: heights at its vertices and, between them, no further apart than `step` metres."""
    form, crs, field = _asked(request)
    step = request.parameters.take_as("step", _step)
    shape = _shape(request, ("LineString",))
    request.parameters.finish()
    line = shapely.transform(shape, lambda xy: xy[:, ::-1]) if crs.flip else shape
    found = profile(field, line, crs.srid, request.context.catalogue.city.projected_srid, step)
    known = found.height_m[~np.isnan(found.height_m)]
    told = {"step_m": round(found.step_m, 3), "length_m": round(float(found.distance_m[-1]), 3), "climb_m": round(found.climb_m, 2),
            "fall_m": round(found.fall_m, 2), "lowest_m": round(float(known.min()), 3) if known.size else None,
            "highest_m": round(float(known.max()), 3) if known.size else None}
    return _answer(request, form, crs, found.x, found.y, {"distance": found.distance_m, "elevation": found.height_m}, told, "LineString")


def _asked(request: Request) -> tuple[str, Crs, HeightField]:
    layer = elevation_layer(request.layer())
    form = request.format(FORMATS)
    crs = asked_crs(request.context.catalogue.city, "crs", request.parameters.take("crs"))
    return form, crs, height_field(layer, rasters_for(request, asked_tile(request, layer, False)))


def _step(text: str) -> float:
    step = number("step", text)
    if not 0.1 <= step <= 1e6:
        raise WrongParameter("step", "range", value=text[:20], low=0.1, high=1_000_000)
    return step


def _shape(request: Request, kinds: tuple[str, ...]) -> Any:
    text = request.parameters.take("coords")
    if not text:
        raise WrongParameter("coords", "missing")
    if len(text) > MOST_TEXT:
        raise WrongParameter("coords", "text", value=f"{text[:20]}…", high=MOST_TEXT)
    try:
        shape = shapely.from_wkt(text)
    except shapely.errors.GEOSException:
        shape = None
    if shape is None or shape.geom_type not in kinds or shape.is_empty or not np.isfinite(shapely.get_coordinates(shape)).all():
        raise WrongParameter("coords", "kind", value=f"WKT, a {' or a '.join(kinds)}")
    return shape


def _answer(request: Request, form: str, crs: Crs, x: np.ndarray, y: np.ndarray, values: dict[str, np.ndarray], told: dict[str, Any],
            kind: str) -> Response:
    if form == "csv":
        body, media = _csv(x, y, values, crs), "csv"
    elif form == "json":
        body, media = dump(_plain(x, y, values, told, crs)), "json"
    else:
        body, media = dump(_coverage(x, y, values, told, kind, crs)), "CoverageJSON"
    headers = {"Content-Crs": f"<{crs.uri}>"}
    if "step_m" in told:
        headers["Gis-Step"] = f"{told['step_m']} m"
    return reply(request, body, media, f'"{digest(body)}"', headers)


def _numbers(values: np.ndarray, digits: int = 3) -> list[float | None]:
    return [None if np.isnan(v) else round(float(v), digits) for v in values]


def _plain(x: np.ndarray, y: np.ndarray, values: dict[str, np.ndarray], told: dict[str, Any], crs: Crs) -> dict[str, Any]:
    columns = {"x": _numbers(x, crs.decimals), "y": _numbers(y, crs.decimals)} | {_column(n): _numbers(v) for n, v in values.items()}
    return told | {"crs": crs.uri, "points": [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]}


def _column(name: str) -> str:
    return f"{name}_{PARAMETERS[name][0]}"


def _csv(x: np.ndarray, y: np.ndarray, values: dict[str, np.ndarray], crs: Crs) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(["x", "y", *map(_column, values)])
    columns = [_numbers(x, crs.decimals), _numbers(y, crs.decimals), *map(_numbers, values.values())]
    writer.writerows(["" if v is None else v for v in row] for row in zip(*columns, strict=True))
    return text.getvalue().encode()


def _coverage(x: np.ndarray, y: np.ndarray, values: dict[str, np.ndarray], told: dict[str, Any], kind: str, crs: Crs) -> dict[str, Any]:
    """Return the values as CoverageJSON 1.0; places in the order of the authority's axes."""
    first, second = (y, x) if crs.flip else (x, y)
    names = ["y", "x"] if crs.flip else ["x", "y"]
    places = list(zip(_numbers(first, crs.decimals), _numbers(second, crs.decimals), strict=True))
    if kind == "Point":
        axes: dict[str, Any] = {names[0]: {"values": [places[0][0]]}, names[1]: {"values": [places[0][1]]}}
        shape: dict[str, Any] = {}
    else:
        axes = {"composite": {"dataType": "tuple", "coordinates": names, "values": places}}
        shape = {"axisNames": ["composite"], "shape": [len(places)]}
    system = {"type": "GeographicCRS" if crs.is_geographic else "ProjectedCRS", "id": crs.uri}
    return {"type": "Coverage",
            "domain": {"type": "Domain", "domainType": "Point" if kind == "Point" else "MultiPoint", "axes": axes,
                       "referencing": [{"coordinates": names, "system": system}]},
            "parameters": {name: {"type": "Parameter"} | _described(name) for name in values},
            "ranges": {name: {"type": "NdArray", "dataType": "float", **shape, "values": _numbers(v)} for name, v in values.items()}} | (
                {"gis:profile": told} if told else {})
