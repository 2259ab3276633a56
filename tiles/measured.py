"""Numbers that published styles are of and that no column holds: values over areas, and what lies in the features of a layer.

Areas go along with the features in tiles, under names that no field can have (`area:4548`: square kilometres in that CRS). What is counted
depends on another layer and on what the reader may see of it, so tiles, which many share and which expire by place, do not hold it: a style
carries the numbers of the features as its reader counts them, and pictures are drawn by them. They are kept until something of one of the
two layers changes.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Container, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
import sqlalchemy as sa
from sqlalchemy.sql import ColumnElement

from layers.access import Audience
from layers.errors import Unavailable
from layers.history import last_touched, next_instant
from layers.layer import Layer, LayerField, Text, Variant, area_srid
from layers.published_styles import OWN, is_shown_to
from layers.query import ItemQuery
from layers.statement import SameLayer
from layers.store import Store
from layers.theme_values import AREA, NONE, Wanted, theme_values
from tiles.counting_turn import COUNTING_S

__all__ = ["CountedField", "area_km2", "areas_of", "counted_field", "counted_numbers", "drawn_numbers", "is_known", "measured_by"]

KM2 = "km2"
MOST_KEPT = 64
_MEASURES = {"count": Text(zh="数量", en="number"), "sum": Text(zh="合计", en="sum"), "mean": Text(zh="平均", en="mean")}


class CountedField(LayerField):
    """What lies in the features of a layer, as if it were a field of it; `numbers` by feature, where they are needed."""

    numbers: dict[int, float] = {}


def area_km2(geom: ColumnElement[Any], per: str) -> ColumnElement[Any]:
    """Return the area of a geometry in square kilometres, in the CRS that `per` names."""
    return sa.func.ST_Area(sa.func.ST_Transform(geom, sa.literal_column(str(area_srid(per))))) / sa.literal_column("1e6")


def areas_of(layer: Layer, audience: Audience) -> tuple[str, ...]:
    """Return the names of the areas that published styles of a layer divide by, as far as the audience has those styles."""
    return tuple(sorted({v.per for v in layer.variants if v.per and v.of is None and area_srid(v.per) and is_shown_to(layer, v, audience)}))


def is_known(per: str | None, readable: Container[str]) -> bool:
    """Can a reader of these fields divide by what a symbology names?"""
    return per is None or per in readable or area_srid(per) is not None


def counted_field(layer: Layer, audience: Audience, numbers: Mapping[int, float] | None = None) -> CountedField | None:
    """Return what a layer is drawn by that counts what lies in its features; None where it does not, or the audience may not know."""
    variant = layer.drawn_as
    if variant is None or variant.of is None or not is_shown_to(layer, variant, audience):
        return None
    return CountedField.model_construct(name="counted", type="number", title=variant.title, unit=None, codes=None,
                                        required=variant.of.measure == "count" and variant.per is None, numbers=dict(numbers or {}))


def measured_by(layer: Layer, field: LayerField) -> LayerField:
    """Return the field of a style's legend with the name of what is measured: a number, or one over another."""
    variant = layer.drawn_as
    if variant is None:
        return field
    named, unit = _named(layer, variant, field)
    is_area = area_srid(variant.per) is not None
    if variant.per is not None:
        by = Text(zh="km²", en="km²") if is_area else _by(layer, variant)
        named, unit = Text(zh=f"{named.zh} / {by.zh}", en=f"{named.en} / {by.en}"), f"{unit or ''}/{KM2}" if is_area and unit else None
    return field.model_copy(update={"title": named, "unit": unit})


def _named(layer: Layer, variant: Variant, field: LayerField) -> tuple[Text, str | None]:
    of, counted = variant.of, variant.counted
    if of is None or counted is None:
        return layer.by_name[field.name].title, layer.by_name[field.name].unit
    number = counted.by_name.get(of.field or "")
    parts = [counted.title, _MEASURES[of.measure], *([number.title] if number and of.measure != "count" else [])]
    return Text(zh=" ".join(p.zh for p in parts), en=" ".join(p.en for p in parts)), number.unit if number and of.measure != "count" else None


def _by(layer: Layer, variant: Variant) -> Text:
    per = variant.per or ""
    holder = layer if variant.of is None or per.startswith(OWN) else variant.counted or layer
    return holder.field(per.removeprefix(OWN)).title


class _Kept(NamedTuple):
    """Numbers, the number of the last changeset of one of the layers that they hold, and when something planned ends them."""

    numbers: dict[int, float]
    seq: int
    ends: datetime | None


class _Room:
    """The numbers that a process keeps of one store; what is counted is counted once."""

    def __init__(self) -> None:
        # One count after the other: the database has others to serve.
        self.counting = threading.Lock()
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[Any, ...], _Kept] = OrderedDict()

    def get(self, key: tuple[Any, ...], seq: int, now: datetime) -> dict[int, float] | None:
        """Return what was counted, where it still holds."""
        with self._lock:
            kept = self._kept.get(key)
            if kept is None or kept.seq < seq or (kept.ends is not None and kept.ends <= now):
                return None
            self._kept.move_to_end(key)
            return kept.numbers

    def put(self, key: tuple[Any, ...], kept: _Kept) -> None:
        """Keep what was counted."""
        with self._lock:
            self._kept[key] = kept
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)


_rooms: WeakKeyDictionary[Store, _Room] = WeakKeyDictionary()
_rooms_lock = threading.Lock()


def counted_numbers(store: Store, query: ItemQuery) -> dict[int, float]:
    """Return the numbers of all features of a layer that is drawn by what lies in them, as the audience of the question counts them.

    Of the question audience, moment (of an interval its begin) and known_at count. What the audience may not read of the counted layer is not
    counted. Features without a number are absent. Raises as a statement does, and Unavailable where others are counted for too long.
    """
    variant, layer = query.layer.drawn_as, query.layer
    if variant is None or variant.of is None or variant.counted is None or not is_shown_to(layer, variant, query.audience):
        return {}
    at = query.at if query.interval is None else query.interval[0]
    names = (layer.id, variant.counted.id)
    with _rooms_lock:
        room = _rooms.setdefault(store, _Room())
    # Readers to whom both layers look the same share what was counted, by the same definitions: they change without a changeset.
    key = (layer.id, SameLayer(variant.counted), variant.of, variant.per, query.audience.role is None, tuple(map(query.audience.layer_key, names)), at, query.known_at)
    # Known before the counting: what is counted is at least as new.
    seq, now = last_touched(store, names), datetime.now(UTC)
    if (kept := room.get(key, seq, now)) is not None:
        return kept
    # Every moment is counted for itself, and anybody may ask for many: who waits holds a thread.
    if not room.counting.acquire(timeout=COUNTING_S):
        raise Unavailable("The numbers of other maps are being counted; try again.", "正在统计其他地图的数值，请稍后重试。")
    try:
        if (kept := room.get(key, seq, now)) is not None:
            return kept
        ends = None if at is not None else min((found for name in names if (found := next_instant(store, name, now)) is not None), default=None)
        made = _count(store, replace(query, filter=None, bbox=None, fids=None, interval=None, at=at), variant)
        room.put(key, _Kept(made, seq, ends))
        return made
    finally:
        room.counting.release()


def drawn_numbers(store: Store, query: ItemQuery) -> dict[int, float] | None:
    """Return the numbers by which the features of a question are drawn, where no single field holds them; None where one does.

    Raises as a statement does.
    """
    variant = query.layer.drawn_as
    if query.layer.counts_others:
        return counted_numbers(store, query)
    return None if variant is None or variant.per is None else _count(store, query, variant)


def _count(store: Store, query: ItemQuery, variant: Variant) -> dict[int, float]:
    srid, of, per = area_srid(variant.per), None, NONE if variant.per is None else variant.per
    if variant.of is not None and variant.counted is not None:
        of = ItemQuery(variant.counted, query.audience, at=query.at, known_at=query.known_at, limit=None)
    wanted = Wanted(variant.of.field if variant.of else variant.field, of, variant.of.measure if variant.of else "count", AREA if srid else per)
    found = theme_values(store, query, wanted, srid or 0)
    known = np.isfinite(found.values)
    return dict(zip(found.fids[known].tolist(), found.values[known].tolist(), strict=True))
