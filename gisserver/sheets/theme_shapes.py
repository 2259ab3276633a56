"""Thematic maps on paper: every feature of the page in the class of its value, as the server counts it for this reader."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import shapely
from numpy.typing import NDArray

from gisserver.sheets.legend import Entry
from gisserver.sheets.wish import PrintedTheme
from layers.crs import transformer
from layers.errors import InvalidParameter
from layers.features import rows
from layers.layer import Layer
from layers.query import ItemQuery
from layers.store import Store
from layers.theme_values import Values, Wanted, theme_values
from tiles.colored_page import ColoredClass, Kind, Shape

__all__ = ["MOST_THEMED", "ThemeQuestion", "shapes_of", "theme_legend"]

MOST_THEMED = 100_000
ZONE_OPACITY, OPACITY, CIRCLE_OPACITY = 0.74, 0.92, 0.72
LINE_PX, POINT_PX = 3.0, 6.0


@dataclass(frozen=True)
class ThemeQuestion:
    """A theme and the questions behind it: to its layer, and to what lies in its features (of each of the two values)."""

    theme: PrintedTheme
    query: ItemQuery
    of: ItemQuery | None = None
    second_of: ItemQuery | None = None

    @property
    def layer(self) -> Layer:
        return self.query.layer

    def wanted(self, is_second: bool = False) -> Wanted:
        """Return the number that each feature is classed by."""
        value, of = (self.theme.second, self.second_of) if is_second else (self.theme.value, self.of)
        assert value is not None
        return Wanted(value.of.field if value.of else value.field, of, value.of.measure if value.of else "count", value.per)


def shapes_of(store: Store, asked: ThemeQuestion, box: tuple[float, float, float, float], srid: int) -> tuple[list[Shape], Kind, list[ColoredClass]]:
    """Return the shapes of a page with their classes, what kind they are, and how each class is drawn; the last class has no number.

    Raises InvalidParameter above MOST_THEMED features.
    """
    theme, query = asked.theme, replace(asked.query, bbox=box, bbox_srid=srid)
    is_circles = theme.kind == "graduated"
    found = theme_values(store, query, asked.wanted(), srid, points=is_circles)
    if len(found.fids) > MOST_THEMED:
        raise InvalidParameter("themes", f"the thematic map of '{asked.layer.id}' has more than {MOST_THEMED} features on this sheet; choose a larger scale.",
                               f"图层“{asked.layer.id}”的专题图在图幅内超过 {MOST_THEMED} 个要素，请放大比例尺")
    numbers = _classes(store, asked, query, found, srid)
    kind = _kind(asked)
    if is_circles:
        assert found.points is not None
        known = np.isfinite(found.values)
        xs, ys = transformer(4326, srid).transform(found.points[known, 0], found.points[known, 1])
        # The small ones lie on top.
        order = np.argsort(-numbers[known], kind="stable")
        wkbs = shapely.to_wkb(shapely.points(np.asarray(xs), np.asarray(ys)))
        shapes = [(bytes(wkbs[i]), int(numbers[known][i])) for i in order]
    else:
        of = dict(zip(found.fids.tolist(), numbers.tolist(), strict=True))
        wanted = replace(query, fields=(), srid=srid, limit=None)
        shapes = [(row["geometry"], of[row["id"]]) for row in rows(store, wanted, "wkb") if row["geometry"] is not None and row["id"] in of]
    return shapes, kind, _looks(asked, kind)


def _kind(asked: ThemeQuestion) -> Kind:
    geometry = asked.layer.geometry or ""
    if asked.theme.kind == "graduated" or geometry.endswith("Point"):
        return "point"
    return "line" if geometry.endswith("LineString") else "area"


def _classes(store: Store, asked: ThemeQuestion, query: ItemQuery, found: Values, srid: int) -> NDArray[np.int64]:
    """Return the number of each feature's class; the number behind the last class is that of no data."""
    theme = asked.theme
    first = np.searchsorted(theme.breaks, found.values, side="right")
    if theme.kind != "bivariate":
        return np.where(np.isfinite(found.values), first, len(theme.breaks) + 1)
    other = theme_values(store, query, asked.wanted(is_second=True), srid)
    second = dict(zip(other.fids.tolist(), other.values.tolist(), strict=True))
    values = np.array([second.get(fid, np.nan) for fid in found.fids.tolist()], dtype=float)
    column = np.searchsorted(theme.second_breaks, values, side="right")
    return np.where(np.isfinite(found.values) & np.isfinite(values), first * 3 + column, 9)


def _looks(asked: ThemeQuestion, kind: Kind) -> list[ColoredClass]:
    theme = asked.theme
    if theme.kind == "graduated":
        return [ColoredClass(theme.colors[0], CIRCLE_OPACITY, size) for size in theme.sizes]
    opacity = ZONE_OPACITY if kind == "area" and asked.layer.group == "admin" else OPACITY
    return [ColoredClass(color, opacity, LINE_PX if kind == "line" else POINT_PX) for color in (*theme.colors, theme.no_data)]


def theme_legend(asked: ThemeQuestion, language: str) -> list[Entry]:
    """Return what the colours of a thematic map mean: what is measured, and a line for each class."""
    theme, title = asked.theme, _value_words(asked, False, language)
    heading = Entry(f"{getattr(asked.layer.title, language)} · {title}")
    shape = {"area": "area", "line": "line", "point": "point"}[_kind(asked)]
    nothing = Entry("无数据" if language == "zh" else "No data", theme.no_data, None, shape)  # type: ignore[arg-type]
    if theme.kind == "bivariate":
        ranges = (_ranges(theme.breaks), _ranges(theme.second_breaks))
        return [Entry(f"{heading.text} × {_value_words(asked, True, language)}"), *(
            Entry(f"{a} × {b}", theme.colors[row * 3 + column], None, shape) for row, a in enumerate(ranges[0])  # type: ignore[arg-type]
            for column, b in enumerate(ranges[1])), nothing]
    colors = theme.colors * len(theme.sizes) if theme.kind == "graduated" else theme.colors
    sizes: Sequence[float | None] = theme.sizes if theme.kind == "graduated" else [None] * len(colors)
    entries = [Entry(text, color, None, shape, size_px=size) for text, color, size in zip(_ranges(theme.breaks), colors, sizes, strict=True)]  # type: ignore[arg-type]
    if theme.kind == "graduated":
        nothing = Entry("无数据：不绘制" if language == "zh" else "No data: not drawn")
    return [heading, *entries, nothing]


def _ranges(breaks: Sequence[float]) -> list[str]:
    if not breaks:
        return ["–"]
    return [f"< {breaks[0]:g}", *(f"{a:g} – {b:g}" for a, b in zip(breaks, breaks[1:], strict=False)), f"≥ {breaks[-1]:g}"]


def _value_words(asked: ThemeQuestion, is_second: bool, language: str) -> str:
    """Say what a value is."""
    value, of = (asked.theme.second, asked.second_of) if is_second else (asked.theme.value, asked.of)
    assert value is not None
    counted = of.layer if of is not None else asked.layer
    name = value.of.field if value.of else value.field
    field = counted.by_name.get(name or "")
    named = "" if field is None else getattr(field.title, language) + (f" ({field.unit})" if field.unit else "")
    if of is not None:
        what = getattr(counted.title, language)
        words = {"count": ("数量", "number"), "sum": ("合计", "sum"), "mean": ("平均", "mean")}[value.of.measure if value.of else "count"]
        named = " ".join(part for part in (what, words[language == "en"], named) if part)
    if value.per == "none":
        return named
    if value.per == "area":
        return f"{named} / km²"
    by = (asked.layer if value.per.startswith("own:") else counted).by_name.get(value.per.removeprefix("own:"))
    return f"{named} / {getattr(by.title, language) if by else value.per}"
