"""Storeys of buildings: which floors and housing units lie between which heights."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from layers.features import rows
from layers.layer import Layer
from layers.moments import parse_moment
from layers.query import ItemQuery
from layers.store import Store

__all__ = ["Storey", "level_and_unit", "storeys_of"]

# Where a level does not say how high it is.
USUAL_M = 3.0
LEVEL_FIELDS, UNIT_FIELDS = ("building_fid", "actual_no"), ("building_fid", "start_level_fid")
CHUNK = 1_000


@dataclass(frozen=True)
class Storey:
    """A level of a building: from where to where above the ground outside (metres), and the housing units that begin on it or
    go through it."""

    fid: int
    label: str
    bottom_m: float
    top_m: float
    unit_fids: tuple[int, ...] = ()
    unit_labels: tuple[str, ...] = ()


def level_and_unit(layer: Layer, readable: Iterable[Layer], visible: Any) -> tuple[Layer | None, Layer | None]:
    """Return the layers of levels and of units that are parts of a layer, where a reader may read what stacks them.

    `visible` gives the names of the fields of a layer that the reader may read.
    """
    parts = [each for each in readable if each.kind == "table" and any(f.part_of and f.references == layer.id for f in each.fields)]
    level = next((each for each in parts if visible(each).issuperset(LEVEL_FIELDS)), None)
    unit = next((each for each in parts if visible(each).issuperset(UNIT_FIELDS)), None) if level else None
    return level, unit


def storeys_of(store: Store, query: ItemQuery, level: Layer | None, unit: Layer | None,
               buildings: Sequence[dict[str, Any]]) -> dict[tuple[int, int], list[Storey]]:
    """Return the storeys of building versions from below, by (fid, version); only of those that have any.

    Of a version that lasted a while its last levels are taken, since it is by them that it is known.
    """
    if level is None or not buildings:
        return {}
    levels = _parts(store, query, level, buildings, ("actual_no", "nominal_no", "height_m"))
    units = _parts(store, query, unit, buildings, ("start_level_fid", "end_level_fid", "room_no")) if unit and levels else {}
    now = datetime.now(UTC)
    found = {}
    for building in buildings:
        if building["id"] not in levels:
            continue
        # The last instant of the version, or what is asked for.
        end = building["valid_to"] and parse_moment(building["valid_to"]).at
        at = query.at or (now if end is None else min(now, end))
        stack = _stack([row for row in levels[building["id"]] if _is_valid(row, at)],
                       [row for row in units.get(building["id"], ()) if _is_valid(row, at)])
        if stack:
            found[building["id"], building["version"]] = stack
    return found


def _is_valid(row: dict[str, Any], at: datetime) -> bool:
    begin, end = row["valid_from"], row["valid_to"]
    # An ending version is looked at just before its end.
    return (begin is None or parse_moment(begin).at <= at) and (end is None or parse_moment(end).at >= at)


def _parts(store: Store, query: ItemQuery, layer: Layer, buildings: Sequence[dict[str, Any]],
           names: tuple[str, ...]) -> dict[int, list[dict[str, Any]]]:
    fids = sorted({building["id"] for building in buildings})
    readable = {f.name for f in query.audience.fields(layer)}
    fields = tuple(n for n in ("building_fid", *names) if n in readable)
    found: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
    for first in range(0, len(fids), CHUNK):
        chosen = {"op": "in", "args": [{"property": "building_fid"}, fids[first:first + CHUNK]]}
        asked = ItemQuery(layer, query.audience, at=query.at, interval=query.interval, known_at=query.known_at, filter=chosen,
                          fields=fields, limit=None, geometry=False)
        for row in rows(store, asked):
            found[row["building_fid"]].append(row)
    return found


def _stack(levels: list[dict[str, Any]], units: list[dict[str, Any]]) -> list[Storey]:
    """Pile levels up: those above the ground from it upwards, those below from it downwards."""
    levels = sorted((row for row in levels if row["actual_no"] is not None), key=lambda row: row["actual_no"])
    position = {row["id"]: number for number, row in enumerate(levels)}
    members: list[list[dict[str, Any]]] = [[] for _ in levels]
    for unit in units:
        first = position.get(unit["start_level_fid"])
        if first is None:
            continue
        last = position.get(unit.get("end_level_fid"), first)
        for number in range(min(first, last), max(first, last) + 1):
            members[number].append(unit)
    made, top, bottom = {}, 0.0, 0.0
    for row in levels:
        if row["actual_no"] > 0:
            made[row["id"]] = (top, top := top + _height(row))
    for row in reversed(levels):
        if row["actual_no"] <= 0:
            made[row["id"]] = (bottom - _height(row), bottom)
            bottom -= _height(row)
    return [Storey(row["id"], str(row.get("nominal_no") or row["actual_no"]), *made[row["id"]],
                   tuple(u["id"] for u in inside), tuple(str(u.get("room_no") or u["id"]) for u in inside))
            for row, inside in zip(levels, members, strict=True)]


def _height(row: dict[str, Any]) -> float:
    height = row.get("height_m")
    return height if height and height > 0 else USUAL_M
