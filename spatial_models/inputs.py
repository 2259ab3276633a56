"""Inputs that several processes take: a layer, a moment, a filter, a drawn area."""

from __future__ import annotations

from typing import Annotated, Any

import shapely
from pydantic import AfterValidator, WithJsonSchema
from pydantic_core import PydanticCustomError
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from spatial_models.faults import wrong
from spatial_models.process import FieldView, LayerView, given
from spatial_models.words import Words

__all__ = ["Area", "Filter", "Known", "drawn_area", "filter_input", "known_input", "layer_input", "moment_input", "readable_field"]

MOST_VERTICES = 10_000
FILTER = Words("Filter in CQL2, as text or as JSON; geometries in it are in CRS84",
               "CQL2 过滤条件（文本或 JSON），其中的几何为 CRS84 坐标")
NUMBERS = ("integer", "number")


def _is_area(value: dict[str, Any]) -> dict[str, Any]:
    if value.get("type") not in ("Polygon", "MultiPolygon"):
        raise PydanticCustomError("area", "must be a GeoJSON Polygon or MultiPolygon.", {"zh": "应为 GeoJSON Polygon 或 MultiPolygon。"})
    try:
        made = shape(value)
    except Exception:  # shapely raises many kinds for what is no GeoJSON
        raise PydanticCustomError("area", "is no GeoJSON geometry.", {"zh": "不是有效的 GeoJSON 几何。"}) from None
    minx, miny, maxx, maxy = made.bounds if not made.is_empty else (0, 0, 0, 0)
    if not (-180 <= minx and maxx <= 180 and -90 <= miny and maxy <= 90):
        raise PydanticCustomError("area", "must be in degrees of longitude and latitude (CRS84).", {"zh": "坐标应为经纬度（CRS84）。"})
    if shapely.get_num_coordinates(made) > MOST_VERTICES:
        raise PydanticCustomError("area", "has more than {most} vertices; simplify it.", {"most": MOST_VERTICES, "zh": f"顶点超过 {MOST_VERTICES} 个，请先简化。"})
    if made.is_empty or not made.is_valid:
        reason = "it is empty" if made.is_empty else shapely.is_valid_reason(made)
        raise PydanticCustomError("area", "is not a valid area: {reason}.", {"reason": reason, "zh": f"面无效：{reason}。"})
    return value


def _is_known(value: int | str) -> int | str:
    if isinstance(value, int) and not 0 <= value < 2**53:
        raise PydanticCustomError("known", "is a changeset number from 0 to below 2^53.", {"zh": "变更集编号应为 0 至 2^53 之间的整数。"})
    if isinstance(value, str) and not 1 <= len(value) <= 40:
        raise PydanticCustomError("known", "is a changeset number, or a time of at most 40 characters.", {"zh": "应为变更集编号，或不超过 40 个字符的时间。"})
    return value


Area = Annotated[dict[str, Any], AfterValidator(_is_area), WithJsonSchema({
    "type": "object", "format": "geojson-geometry", "required": ["type", "coordinates"],
    "properties": {"type": {"type": "string", "enum": ["Polygon", "MultiPolygon"]}, "coordinates": {"type": "array", "items": {}}}})]
Known = Annotated[int | str, AfterValidator(_is_known), WithJsonSchema({"anyOf": [
    {"type": "integer", "minimum": 0, "maximum": 2**53 - 1}, {"type": "string", "minLength": 1, "maxLength": 40}]})]
Filter = Annotated[str, WithJsonSchema({"type": "string"})] | dict[str, Any]


def drawn_area(value: dict[str, Any]) -> BaseGeometry:
    """Return a checked Area as a shapely geometry in CRS84, without heights."""
    return shapely.force_2d(shape(value))


def layer_input(description: Words) -> Any:
    """Describe the input 'layer'."""
    return given(Words("Layer", "图层"), description, pattern=r"^[a-z][a-z0-9_]{0,47}$")


def moment_input() -> Any:
    """Describe the input 'datetime': the city as of a day."""
    return given(Words("As of", "时点"), Words("The city as of this moment, such as 2010, 2010-06-01 or RFC 3339; now if not given",
                                             "按此时点的城市，如 2010、2010-06-01 或 RFC 3339；不给则为当前"), None, max_length=40)


def known_input() -> Any:
    """Describe the input 'known_at': the city as it was known."""
    return given(Words("Known at", "获知时点"), Words("What was known up to this changeset number, or this time of recording; the present belief if not given",
                                                 "按截至该变更集编号或该入库时间的认知；不给则为当前认知"), None)


def filter_input() -> Any:
    """Describe the input 'filter'."""
    return given(Words("Filter", "过滤条件"), FILTER, None)


def readable_field(layer: LayerView, name: str, parameter: str, types: tuple[str, ...]) -> FieldView:
    """Return a field of a layer by the name that the input `parameter` gives. Raises InvalidInputs that lists what there is.

    Personal fields are for one reading with a reason, not for results that others may see.
    """
    usable = {f.name: f for f in layer.fields.values() if f.type in types and not f.is_personal}
    if name not in usable:
        there = ", ".join(usable)
        raise wrong(parameter, f"layer '{layer.id}' has no such field '{name}'; usable are: {there or 'none'}.",
                    f"图层“{layer.id}”没有可用的字段“{name}”；可用：{there or '无'}。")
    return usable[name]
