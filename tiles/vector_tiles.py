"""Vector tiles: one statement for each layer and audience, which answers with the bytes of the tile.

FROM and WHERE come from the builder that items use. Geometries are kept in Web Mercator beside their own CRS, so that tiles
of that grid transform nothing; those of other grids begin from the geometry in its own CRS, which often is theirs. From DETAILED on a
tile holds every feature as it is; on lower levels lines and areas are drawn by the half pixel, of those smaller than a pixel only a
share is kept, and of very many the largest. Dense layers are made of cells below (`tiles/aggregates.py`). No tile is larger than
MOST_BYTES: where it would be, it is made of less.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from math import floor, sqrt
from typing import Literal
from weakref import WeakKeyDictionary

import sqlalchemy as sa

from layers.access import Audience
from layers.cql2.tree import array_literal
from layers.crs import box_around, is_same_place, make_crs
from layers.errors import UnknownLayer
from layers.filters import Shape, question
from layers.layer import Layer, LayerField, Symbology
from layers.query import ItemQuery
from layers.statement import SameLayer, Statement, compiled, run, storage_srid
from layers.store import Store
from tiles.aggregates import AGGREGATED, PLAYED, cell_values, counting, is_aggregated, wanted_classes
from tiles.cell_counts import kept
from tiles.cell_play import STEPS, most_at_once
from tiles.counting_turn import COUNTING_S, counting_turn
from tiles.grid import TileAddress
from tiles.measured import areas_of
from tiles.vector_statement import BUFFER, OUTSIDE, UNITS, Form, Place, is_selective, most_rows, tile_statement

__all__ = ["DETAILED", "MAX_ZOOM", "MEDIA_TYPE", "OUTSIDE", "Tile", "label_points", "min_zoom", "render", "render_all", "tile_fields"]

MEDIA_TYPE = "application/vnd.mapbox-vector-tile"
DETAILED = 14
# Clients draw deeper levels from these tiles: a unit of 4096 to a side is 15 cm there.
MAX_ZOOM = 16
MOST_BYTES = 500_000
# The largest of so many features make a tile of a level before DETAILED: half a megabyte.
MOST_COARSE = 8_000
# An interval's tile of a level before or on DETAILED with more features than this at any one time has too many versions.
MOST_PLAYED = 4_000
# Of features with nothing but what they are drawn by.
MOST_LEAN = 10_000
_EARTH_M, _WORLD_M = 6_378_137, 40075016.685578488
_UNTILED = ("codes", "json")
# Layers of which some tile had more features than any may have: of these the cells are asked first.
_crowded: WeakKeyDictionary[Store, set[str]] = WeakKeyDictionary()


@dataclass(frozen=True)
class Tile:
    """A tile: its bytes (none where it is empty), the number of the snapshot that made it, and the number of definitions that the
    store had then (`Catalogue.version`): who made it from older ones makes it again."""

    body: bytes
    seq: int
    definitions: int = 0


def tile_fields(layer: Layer, audience: Audience) -> tuple[LayerField, ...]:
    """Return the fields that an audience's tiles of a layer hold: those marked for tiles and those it is drawn by, also in published styles."""
    drawn = {name for variant in layer.variants for name in (variant.field, variant.per)}
    if s := layer.symbology:
        drawn |= {s.field, s.per, s.extrude, s.label.field if s.label else None}
    return tuple(f for f in audience.fields(layer) if (f.tile or f.name in drawn) and f.type not in _UNTILED)


def min_zoom(layer: Layer) -> int:
    """Return the lowest level on which a layer has tiles."""
    return max(0, floor(layer.symbology.min_zoom)) if layer.symbology and not layer.symbology.cells else 0


def label_points(layer: Layer, audience: Audience) -> Literal["all", "crossing"] | None:
    """Return for which areas a layer's tiles hold points for labels, in a tile layer `<id>.label`.

    An area would be labelled once in every tile that it reaches into; a point lies in one. Where labels begin so late that
    most areas lie in one tile, only the others have a point, and are marked by the property OUTSIDE.
    """
    label = layer.symbology.label if layer.symbology else None
    if label is None or layer.geometry not in ("Polygon", "MultiPolygon") or label.field not in [f.name for f in tile_fields(layer, audience)]:
        return None
    return "all" if label.min_zoom < MAX_ZOOM else "crossing"


def _late_classes(layer: Layer, audience: Audience, z: int) -> list[str]:
    """Return the values whose class is drawn only on levels deeper than those that a tile of level z is drawn on."""
    s = layer.symbology
    if s is None or z >= MAX_ZOOM or s.field not in [f.name for f in audience.fields(layer)]:
        return []
    return [str(c.value) for c in s.classes if c.value is not None and c.min_zoom is not None and c.min_zoom >= z + 1]


def render(store: Store, query: ItemQuery, tile: TileAddress) -> Tile:
    """Make a layer's tile, of MOST_BYTES at most.

    Of the question layer, audience, moment or interval, known_at, filter, fids and fields count. Of an interval every version
    is in the tile, with `valid_from` and `valid_to` as seconds since 1970 (absent where open). The feature id is the
    fid. What would be more than MOST_BYTES holds only what is drawn, an interval then each look of a feature once; where that is too much,
    cells of an interval on the first level of features, and else the largest features. Raises UnknownLayer where the layer may not be
    read or has no geometry, Unavailable where it takes too long.
    """
    layer = query.layer
    if layer.geometry is None:
        raise UnknownLayer(layer.id)
    srid = storage_srid(store)
    shape, values = question(query if query.bbox is None else replace(query, bbox=None), srid)
    detail = tile.detail
    place = _place(tile, srid)
    near = tile.reach(3857 if place == "mercator" else srid, BUFFER / UNITS)
    if detail < min_zoom(layer) or near is None:
        return Tile(b"", 0)
    names = tuple([f.name for f in tile_fields(layer, query.audience) if query.fields is None or f.name in query.fields])
    minx, miny, maxx, maxy = tile.envelope
    values |= {"clip": f"BOX({minx!r} {miny!r},{maxx!r} {maxy!r})", "near": box_around(*near, 3857 if place == "mercator" else srid),
               "pixel": repr(_WORLD_M / 2**detail / 512), "half": repr(tile.pixel / 2),
               "share": str(min(4 ** (DETAILED - detail), 2**40)) if detail < DETAILED else "1"}
    if place == "other":
        values |= {"grid": str(tile.grid.srid), "straight": repr(_straight(tile, srid))}
    late = _late_classes(layer, query.audience, detail)
    values["late"] = array_literal(late)
    points, label = label_points(layer, query.audience), layer.symbology.label if layer.symbology else None
    if label is None or label.field not in names or detail < min(floor(label.min_zoom), MAX_ZOOM):
        points = None
    values["tile"] = box_around(minx, miny, maxx, maxy, _srid_in(place, tile, srid))
    cells = counting(layer, shape, detail)
    seen = "all" if detail >= DETAILED else "large" if cells is not None else "thinned"
    is_played = shape.moment in ("interval", "all")
    areas = areas_of(layer, query.audience) if query.fields is None else ()
    first = Form(seen, names, points, bool(late), place, cells, order=seen == "thinned" and not is_played, areas=areas)
    return _Making(store, query, tile, shape, values).smallest(first, lambda: _leaner(first, layer, shape, detail))


def _leaner(first: Form, layer: Layer, shape: Shape, detail: int) -> list[Form]:
    """Return what a tile is made of where there is too much, one after the other; of the last the largest are taken."""
    is_played = shape.moment in ("interval", "all")
    if first.cells is not None:
        return [first._replace(order=True)]
    s = layer.symbology or Symbology()
    drawn = tuple(n for n in first.names if n in {s.field, s.per, s.extrude})
    if is_played and detail == PLAYED and is_aggregated(layer):
        return [Form("large", first.names, None, first.has_late, first.place, counting(layer, shape, AGGREGATED), order=True)]
    lean = first._replace(names=drawn, points=None, merged=is_played, order=True)
    return [lean._replace(order=False), lean] if is_played else [lean]


class _Making:
    """The making of one tile: form after form until one is small enough."""

    def __init__(self, store: Store, query: ItemQuery, tile: TileAddress, shape: Shape, values: dict[str, str | None]) -> None:
        self.store, self.query, self.tile, self.shape, self.values = store, query, tile, shape, values
        self.steps, self.most = STEPS, MOST_COARSE

    def smallest(self, first: Form, leaner: Callable[[], list[Form]]) -> Tile:
        """Make the tile as it should be, or else as lean as it must be."""
        if not self._is_dense(first):
            tile, count = self._made(first)
            if len(tile.body) <= MOST_BYTES and (first.order or count <= most_rows(self.query.layer)):
                return tile
            if self._is_counted and count > most_rows(self.query.layer):
                _crowded.setdefault(self.store, set()).add(self.query.layer.id)
        self.most = MOST_LEAN
        for form in leaner():
            tile, count = self._made(form)
            if len(tile.body) <= MOST_BYTES and (form.order or count <= most_rows(self.query.layer)):
                return tile
        while len(tile.body) > MOST_BYTES and (count > 1 or self.steps > 1):
            share = 0.9 * MOST_BYTES / len(tile.body)
            self.steps, self.most = max(1, floor(self.steps * share)), max(1, floor(min(count, self.most) * share))
            tile, count = self._made(form)
        return tile

    @property
    def _is_counted(self) -> bool:
        """Is it the first level of features, on a day, of a layer whose cells say how many there are?"""
        return self.tile.detail == DETAILED and is_aggregated(self.query.layer) and counting(self.query.layer, self.shape, 0) == "kept"

    def _is_dense(self, first: Form) -> bool:
        """Do the cells say that a tile will be too large, so that it is not even begun?"""
        query, tile = self.query, self.tile
        if self._is_counted:
            # Cells also count classes that are not drawn here yet.
            if first.has_late or query.layer.id not in _crowded.get(self.store, ()):
                return False
            values = self.values | cell_values(query, tile, tile.detail, "kept")
            ((most,),) = run(self.store, query.audience.role, _count_in(SameLayer(query.layer), self.shape), values)
            return int(most or 0) > most_rows(query.layer)
        if not (is_aggregated(query.layer) and counting(query.layer, self.shape, 0) == "stepped" and AGGREGATED < tile.detail <= DETAILED):
            return False
        ((most,),) = run(self.store, query.audience.role, _most_at_once(SameLayer(query.layer)), cell_values(query, tile, tile.detail, "stepped"))
        return int(most or 0) > MOST_PLAYED

    def _made(self, form: Form) -> tuple[Tile, int]:
        query, values = self.query, self.values
        values["most"] = str(self.most)
        if form.cells is None:
            found = run(self.store, query.audience.role, tile_statement(SameLayer(query.layer), self.shape, form), values, binary=True)
        else:
            found = self._counted(form)
        ((body, seq, definitions, count),) = found
        return Tile(body or b"", int(seq or 0), int(definitions or 0)), int(count or 0)

    def _counted(self, form: Form) -> list[tuple[bytes | None, ...]]:
        query, tile, how = self.query, self.tile, form.cells
        assert how is not None
        around = tile.reach(3857, BUFFER / UNITS)
        values = self.values | cell_values(query, tile, min(tile.detail, PLAYED), how, self.steps) | {
            "around": box_around(*around, 3857) if around else None}
        if how == "counted" and (wanted := wanted_classes(query.layer, self.shape, values)) is not None:
            form, how = form._replace(cells="classed"), "classed"
            values["wanted"] = array_literal(wanted)
        if how in ("kept", "classed", "stepped"):
            return run(self.store, query.audience.role, tile_statement(SameLayer(query.layer), self.shape, form), values, binary=True)
        with counting_turn():
            # Which index answers best depends on what is asked.
            form = form._replace(by_place=how == "known" or not is_selective(self.store, query, self.shape, values))
            statement = tile_statement(SameLayer(query.layer), self.shape, form)
            return run(self.store, query.audience.role, statement, values, prepare=False, binary=True, limit_s=COUNTING_S)


def _place(tile: TileAddress, srid: int) -> Place:
    """Say where a tile's geometries come from: as kept in Web Mercator, as kept in their own CRS, or transformed."""
    if tile.grid.srid == 3857:
        return "mercator"
    return "own" if is_same_place(tile.grid.srid, srid) else "other"


def _srid_in(place: Place, tile: TileAddress, srid: int) -> int:
    # What means the same place may still bear another number, which PostGIS would not compare.
    return srid if place == "own" else tile.grid.srid


def _straight(tile: TileAddress, srid: int) -> float:
    """Return how long a line of the storage CRS may be, in its units, and stay straight in a tile to half a unit of it.

    A chord of length c strays from an arc of radius r by c² / 8r; lines of latitude and of a projection bend no more than the Earth.
    """
    degree_m = _WORLD_M / 360
    unit_m = tile.grid.size(tile.z) / UNITS * (degree_m if make_crs(tile.grid.srid).is_geographic else 1)
    chord_m = sqrt(8 * _EARTH_M * unit_m / 4)
    return chord_m / (degree_m if make_crs(srid).is_geographic else 1)


def render_all(store: Store, queries: Iterable[ItemQuery], tile: TileAddress) -> Tile:
    """Make one tile of several layers: their tiles one after the other. `seq` is that of the oldest of their snapshots."""
    made = [render(store, query, tile) for query in queries]
    return Tile(b"".join(t.body for t in made), min((t.seq for t in made if t.seq), default=0), max((t.definitions for t in made), default=0))


@lru_cache(maxsize=200)
def _most_at_once(same: SameLayer) -> Statement:
    return compiled(most_at_once(same.layer))


@lru_cache(maxsize=200)
def _count_in(same: SameLayer, shape: Shape) -> Statement:
    found = kept(same.layer, shape, False).subquery("found")
    return compiled(sa.select(sa.cast(sa.func.sum(found.c.n), sa.Text())))
