"""What is in a report, as plain values in the reader's language: features with labelled fields, legends, tables. No HTML is made here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import shapely

from layers.access import Audience
from layers.layer import Layer, LayerField
from tiles.mapnik_style import Drawing, drawing
from tiles.symbology import legend

__all__ = ["Facts", "LayerContent", "Look", "TableContent", "add_features", "layer_content", "shown_number", "shown_value", "table_content"]

# Where marks are as large and lines as broad as the definition says.
ZOOM = 16.5
DECIMALS = 6


@dataclass(frozen=True)
class Look:
    """How a class is drawn; sizes are pixels."""

    color: str
    outline: str | None
    opacity: float
    width: float
    radius: float
    dash: str | None


@dataclass
class LayerContent:
    """A layer of a report: features as (position in the legend, title, values as they are shown, geometry in CRS84)."""

    layer_id: str
    title: str
    kind: str
    fields: tuple[str, ...]
    looks: tuple[Look, ...]
    legend: tuple[tuple[str, Look], ...]
    by: str | None
    features: list[dict[str, Any]] = field(default_factory=list)
    bytes: int = 0


@dataclass(frozen=True)
class TableContent:
    """A table: its title, headings, rows of texts, and beside each row its count and colour for a chart (empty where none is wanted)."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    bars: tuple[tuple[float, str], ...]
    note: str = ""


@dataclass(frozen=True)
class Facts:
    """What stands at the head of a report, as pairs of a word and a text."""

    title: str
    language: str
    lines: tuple[tuple[str, str], ...]


def layer_content(layer: Layer, audience: Audience, fields: Sequence[LayerField], language: str) -> LayerContent:
    """Return a layer without features yet."""
    d = drawing(layer, audience, ZOOM, language)
    told = legend(layer, audience)
    numbers = list(range(len(d.symbology.classes))) if d.field else []
    items = told["items"][:len(numbers)] if numbers else told["items"][:1]
    entries = [(item["title"][language], _look(d, n)) for item, n in zip(items, numbers or [-1], strict=True)]
    entries += [(item["title"][language], _look(d, -1)) for item in told["items"][len(entries):] if item.get("no_data")]
    return LayerContent(layer.id, getattr(layer.title, language), told["kind"], tuple(_heading(f, language) for f in fields),
                        tuple(_look(d, n) for n in (-1, *numbers)), tuple(entries), told["field"]["title"][language] if d.field else None)


def _look(d: Drawing, number: int) -> Look:
    s = d.symbology
    outlined_only = d.field is not None and s.opacity <= 0.05 and s.outline is not None
    outline = d.color_of(number) if outlined_only else s.outline
    dash = " ".join(f"{part * s.width_px:g}" for part in s.dash) if s.dash else None
    return Look(d.color_of(number), outline, s.opacity, round(d.width_of(number), 2), round(d.radius_of(number), 2), dash)


def _heading(f: LayerField, language: str) -> str:
    return f"{getattr(f.title, language)}{f' ({f.unit})' if f.unit else ''}"


def add_features(content: LayerContent, layer: Layer, audience: Audience, fields: Sequence[LayerField], rows: Sequence[Mapping[str, Any]],
                 language: str, time_zone: str, numbers: Mapping[int, float] | None = None) -> None:
    """Add rows (geometry as WKB in CRS84) to a layer; `numbers` are those that it is drawn by where no field holds them."""
    d = drawing(layer, audience, ZOOM, language)
    label = next((f.name for f in audience.fields(layer) if f.name == layer.label), None)
    shapes = shapely.transform(shapely.force_2d(shapely.from_wkb([row["geometry"] for row in rows])), lambda xy: xy.round(DECIMALS))
    for row, text in zip(rows, shapely.to_geojson(shapes), strict=True):
        if text is None:
            continue
        value = None if d.field is None else row.get(d.field.name) if numbers is None else numbers.get(row["id"])
        number = d.class_of(_as_text(value)) if d.field else -1
        title = row.get(label) if label else None
        properties = {"c": number + 1, "t": str(title) if title not in (None, "") else f"#{row['id']}",
                      "p": [shown_value(f, row.get(f.name), language, time_zone) for f in fields]}
        content.features.append({"type": "Feature", "id": row["id"], "geometry": orjson.loads(text), "properties": properties})
        content.bytes += len(text) + len(orjson.dumps(properties)) + 40


def _as_text(value: Any) -> str | None:
    return None if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def shown_value(f: LayerField, value: Any, language: str, time_zone: str) -> str:
    """Return a value as people read it: titles for codes, days for days, grouped numbers; '' where there is none."""
    if value is None:
        return ""
    if f.codes is not None and (title := f.codes.get(str(value))) is not None:
        return str(getattr(title, language))
    if isinstance(value, bool):
        return {"zh": ("否", "是"), "en": ("no", "yes")}[language][value]
    if isinstance(value, int | float):
        return shown_number(value, is_code=f.type == "reference")
    if isinstance(value, datetime):
        return value.astimezone(ZoneInfo(time_zone)).strftime("%Y-%m-%d %H:%M")
    if isinstance(value, date):
        return value.isoformat()
    return value if isinstance(value, str) else orjson.dumps(value, default=str).decode()


def shown_number(value: float, is_code: bool = False) -> str:
    """Return a number with at most two decimals, its thousands apart unless it only names something."""
    if is_code or (isinstance(value, int) and abs(value) < 10_000):
        return str(value)
    text = f"{value:,.2f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def table_content(layer: Layer, audience: Audience, by: LayerField, sums: Sequence[LayerField], found: Mapping[str, Any], language: str,
                  has_chart: bool) -> TableContent:
    """Return the table of what `layers.statistics.statistics` has counted by the values of a field, with its total."""
    words = {"zh": ("数量", "合计", "（空）", "另有 {0} 类未列出", "合计：{0}"), "en": ("Number", "Total", "(none)", "{0} more classes are not listed", "Sum of {0}")}[language]
    d = drawing(layer, audience, ZOOM, language)
    is_drawn = d.field is not None and d.field.name == by.name

    def sums_of(each: Mapping[str, Any]) -> tuple[str, ...]:
        return tuple("" if (value := each["fields"][f.name]["sum"]) is None else shown_number(value) for f in sums)

    rows, bars = [], []
    for each in found["classes"]:
        value = each["value"]
        rows.append((shown_value(by, value, language, "UTC") or words[2], shown_number(each["count"]), *sums_of(each)))
        bars.append((float(each["count"]), d.color_of(d.class_of(_as_text(value))) if is_drawn else "#4e79a7"))
    rows.append((words[1], shown_number(found["count"]), *sums_of(found)))
    left = found.get("classes_left_out", 0)
    return TableContent(f"{getattr(layer.title, language)} · {getattr(by.title, language)}",
                        (getattr(by.title, language), words[0], *(words[4].format(_heading(f, language)) for f in sums)), tuple(rows), tuple(bars) if has_chart else (),
                        words[3].format(left) if left else "")
