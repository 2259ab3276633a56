"""Surfaces of buildings: which versions of them stand in for prisms, and from when to when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from layers.building_surfaces import Surface, parse_surfaces, reach_of
from layers.crs import transformer
from layers.features import rows
from layers.layer import Layer
from layers.moments import parse_moment
from layers.query import ItemQuery
from layers.store import Store
from layers.values import WrongValue

__all__ = ["BEGINNING", "END", "Shell", "Stretch", "shells_of", "span_of", "stretches"]

# Seconds since 1970 of the first and the last moment that a browser's Date can say: they stand for open ends.
BEGINNING, END = -8_640_000_000_000.0, 8_640_000_000_000.0
CHUNK = 1_000
# How far (metres) surfaces may reach beyond the elevations they say they lie between, and how much farther beside their building than they
# may be written: others are of another place, and would spoil the cell they are drawn in.
ROUNDING_M, MORE = 0.02, 1.02
EARTH_M = 6378137.0
Span = tuple[float, float]


@dataclass(frozen=True)
class Shell:
    """One version of a building's surfaces: rings in Web Mercator with elevations in metres, its level of detail, and its time in seconds.

    `reach` is how far (metres of Web Mercator) they may lie beside their building's footprint.
    """

    surfaces: list[Surface]
    lod: float
    span: Span
    reach: float
    low: float = field(default=0.0)
    high: float = field(default=0.0)

    @property
    def box(self) -> tuple[float, float, float, float]:
        points = np.concatenate([surface.rings[0] for surface in self.surfaces])
        return (*points[:, :2].min(axis=0), *points[:, :2].max(axis=0))


@dataclass(frozen=True)
class Stretch:
    """A time within a version of a building in which it has the same shape: that of a shell, or its prism (None)."""

    span: Span
    shell: Shell | None = None


def shells_of(store: Store, query: ItemQuery, surface: Layer | None, fids: Iterable[int], storage_srid: int) -> dict[int, list[Shell]]:
    """Return the surfaces of buildings that the query's audience may read at its time, by building.

    What cannot be read as surfaces is left out: the building keeps its prism.
    """
    found: defaultdict[int, list[Shell]] = defaultdict(list)
    owner = surface.parent if surface else None
    if surface is None or owner is None:
        return found
    wanted = sorted(set(fids))
    for first in range(0, len(wanted), CHUNK):
        chosen = {"op": "in", "args": [{"property": owner.name}, wanted[first:first + CHUNK]]}
        asked = ItemQuery(surface, query.audience, at=query.at, interval=query.interval, known_at=query.known_at, filter=chosen,
                          fields=(owner.name, "lod", "surfaces", "lowest_m", "highest_m"), limit=None, geometry=False)
        for row in rows(store, asked):
            shell = _shell(row, storage_srid, reach_of(surface))
            if shell is not None:
                found[row[owner.name]].append(shell)
    return found


def _shell(row: dict[str, Any], storage_srid: int, reach_m: float) -> Shell | None:
    try:
        surfaces, lod = parse_surfaces(row["surfaces"]), float(row["lod"])
    except (WrongValue, ValueError):
        return None
    rings = [ring for each in surfaces for ring in each.rings]
    points = np.concatenate(rings)
    low, high = points[:, 2].min(), points[:, 2].max()
    if low < row["lowest_m"] - ROUNDING_M or high > row["highest_m"] + ROUNDING_M:
        return None
    x, y = transformer(storage_srid, 3857).transform(points[:, 0], points[:, 1])
    moved = np.column_stack([x, y, points[:, 2]])
    if not np.isfinite(moved).all():
        return None
    parts = iter(np.split(moved, np.cumsum([len(ring) for ring in rings])[:-1]))
    # A metre on the ground is this long in Web Mercator.
    stretched = float(np.cosh(moved[:, 1].mean() / EARTH_M))
    return Shell([Surface(each.type, tuple(next(parts) for _ in each.rings)) for each in surfaces], lod, span_of(row), reach_m * MORE * stretched, float(low),
                 float(high))


def span_of(row: dict[str, Any]) -> Span:
    """Return the time of a version in seconds since 1970."""
    begin, end = row["valid_from"], row["valid_to"]
    return BEGINNING if begin is None else _seconds(begin), END if end is None else _seconds(end)


def _seconds(text: str) -> float:
    return parse_moment(text).at.astimezone(UTC).timestamp()


def stretches(span: Span, box: Sequence[float] | NDArray[np.float64], shells: Sequence[Shell], query: ItemQuery) -> list[Stretch]:
    """Return what shape a version of a building has when: at every time the surfaces of the highest level of detail.

    `box` is its footprint's, in Web Mercator. At a single moment there is one stretch; in an interval those that meet it.
    """
    near = [shell for shell in shells if _is_near(shell, box)]
    if query.interval is None:
        best = max(near, key=lambda shell: shell.lod, default=None)
        return [Stretch((max(span[0], best.span[0]), min(span[1], best.span[1])), best) if best else Stretch(span)]
    asked = tuple(open_ if at is None else at.timestamp() for at, open_ in zip(query.interval, (BEGINNING, END), strict=True))
    cuts = sorted({*span, *(c for shell in near for c in shell.span if span[0] < c < span[1])})
    found: list[Stretch] = []
    for begin, end in pairwise(cuts):
        if end <= asked[0] or begin >= asked[1]:
            continue
        best = max((shell for shell in near if shell.span[0] <= begin and end <= shell.span[1]), key=lambda shell: shell.lod, default=None)
        if found and found[-1].shell is best:
            found[-1] = Stretch((found[-1].span[0], end), best)
        else:
            found.append(Stretch((begin, end), best))
    return found or [Stretch(span)]


def _is_near(shell: Shell, outer: Sequence[float] | NDArray[np.float64]) -> bool:
    inner, reach = shell.box, shell.reach
    return bool(inner[0] >= outer[0] - reach and inner[1] >= outer[1] - reach and inner[2] <= outer[2] + reach and inner[3] <= outer[3] + reach)
