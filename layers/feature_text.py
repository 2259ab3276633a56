"""The columns of a layer as text: one GeoJSON feature out of one row, written by PostgreSQL.

Nothing is decoded and encoded again on the way out; the text that the database concatenates is what the client gets.
"""

from __future__ import annotations

from layers.crs import is_same_place, make_crs
from layers.layer import Layer, LayerField

__all__ = ["feature_text", "geometry_text", "moment_text", "quoted"]

_FINITE = "BETWEEN '-1.7976931348623157e308'::float8 AND '1.7976931348623157e308'::float8"


def quoted(name: str) -> str:
    """Return a column name as an identifier. Names of fields are checked by the definition, so nothing can be in them."""
    return f'"{name}"'


def feature_text(layer: Layer, names: tuple[str, ...], storage_srid: int, srid: int, flip: bool, geometry: bool) -> str:
    """Return the expression of a feature's GeoJSON over a row `p`.

    Coordinates keep 7 decimals in degrees and 3 in metres; polygons turn counter-clockwise (RFC 7946). Beside the fields
    `names` the properties hold `valid_from`, `valid_to` and `version`.
    """
    shown = geometry_text(layer, storage_srid, srid, flip) if geometry and layer.geometry is not None else "'null'"
    parts = ["""'{"type":"Feature","id":'""", "p.fid::text", """',"geometry":'""", shown, """',"properties":{'"""]
    for name in names:
        parts += [f"""'"{name}":'""", _value_text(layer.field(name)), "','"]
    own = [n for n in ("valid_from", "valid_to", "version") if n not in names]
    texts = {"valid_from": moment_text("lower", "begin_precision", True), "valid_to": moment_text("upper", "end_precision", True),
             "version": "p.version_id::text"}
    for name in own:
        parts += [f"""'"{name}":'""", texts[name], "','"]
    return " || ".join(_joined([*parts[:-1], "'}}'"]))


def _joined(parts: list[str]) -> list[str]:
    """Join neighbouring literals: each concatenation saved is one for every row."""
    joined: list[str] = []
    for part in parts:
        if joined and joined[-1].startswith("'") and joined[-1].endswith("'") and part.startswith("'") and part.endswith("'"):
            joined[-1] = joined[-1][:-1] + part[1:]
        else:
            joined.append(part)
    return joined


def _value_text(field: LayerField) -> str:
    column = f"p.{quoted(field.name)}"
    match field.type:
        case "integer" | "reference" | "codes" | "json":
            return f"coalesce({column}::text, 'null')"
        case "number":
            # JSON has no NaN and no infinity.
            return f"CASE WHEN {column} {_FINITE} THEN {column}::text ELSE 'null' END"
        case "boolean":
            return f"coalesce({column}::text, 'null')"
        case "date":
            return f"""coalesce('"' || {column}::text || '"', 'null')"""
        case "datetime":
            return f"""coalesce('"' || replace(({column} AT TIME ZONE 'UTC')::text, ' ', 'T') || 'Z"', 'null')"""
        case _:
            return f"coalesce(to_json({column})::text, 'null')"


def moment_text(bound: str, precision: str, as_json: bool = False) -> str:
    """Return the expression that writes a bound of a version as `moments.format_moment` does ('lower' or 'upper')."""
    at = f"({bound}(p.valid) AT TIME ZONE 'UTC')"
    quote, null = ("'\"' || ", "'null'") if as_json else ("", "NULL")
    end = " || '\"'" if as_json else ""
    return (f"CASE WHEN {bound}(p.valid) IS NULL THEN {null} WHEN p.{precision} = 'd' THEN {quote}{at}::date::text{end} "
            f"WHEN p.{precision} = 's' THEN {quote}replace({at}::text, ' ', 'T') || 'Z'{end} "
            f"ELSE {quote}left({at}::text, CASE p.{precision} WHEN 'y' THEN 4 ELSE 7 END){end} END")


def geometry_in(layer: Layer, storage_srid: int, srid: int, flip: bool) -> str:
    """Return the expression of a row's geometry in a CRS, with its authority's axis order if `flip`."""
    if is_same_place(srid, storage_srid):
        shape = "p.geom"
    elif srid == 3857 and not layer.has_z:
        shape = "p.geom_tile"       # kept for tiles, and the same
    else:
        shape = f"ST_Transform(p.geom, {int(srid)})"
    if layer.geometry in ("Polygon", "MultiPolygon"):
        shape = f"ST_ForcePolygonCCW({shape})"
    elif layer.geometry == "Geometry":
        # It would turn lines round.
        shape = f"CASE WHEN ST_Dimension({shape}) = 2 THEN ST_ForcePolygonCCW({shape}) ELSE {shape} END"
    return f"ST_FlipCoordinates({shape})" if flip else shape


def geometry_text(layer: Layer, storage_srid: int, srid: int, flip: bool) -> str:
    """Return the expression of a row's geometry as GeoJSON text, 'null' without one."""
    return f"coalesce(ST_AsGeoJSON({geometry_in(layer, storage_srid, srid, flip)}, {make_crs(srid).decimals}, 0), 'null')"
