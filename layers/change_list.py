"""The list of what changed between two moments: built, ended, changed, with where it is and how many there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from layers.access import Audience
from layers.change_counts import Counts
from layers.crs import box_to_srid, boxes_of, ewkb_hex
from layers.errors import InvalidParameter, UnknownLayer
from layers.layer import Layer
from layers.statement import asking, storage_srid
from layers.store import Store

__all__ = ["ChangeList", "change_list"]

_NAMES = ("fid", "change", "before", "after", "place", "geometry", "moved")


@dataclass(frozen=True)
class ChangeList:
    """The differences listed, by fid, and how many there are in all.

    Each is {"fid", "change": "built"|"ended"|"changed", "before": {field: value}, "after": {…}, "place": [lon, lat],
    "geometry": GeoJSON of the later state (None where it was not asked for), "moved": did the geometry change?}.
    """

    differences: list[dict[str, Any]]
    counts: Counts


def change_list(store: Store, layer: Layer, audience: Audience, before: datetime, after: datetime,
                bbox: tuple[float, float, float, float] | None = None, limit: int = 1000, geometry: bool = False,
                kinds: Sequence[str] | None = None) -> ChangeList:
    """List what was built, ended and changed in a layer between two moments of valid time.

    Parameters
    ----------
    bbox
        (minx, miny, maxx, maxy) in CRS84 degrees: only what meets it at one of the moments. It may not span the antimeridian.

    kinds
        List only these ('built', 'ended', 'changed'); the counts are those of all.

    Only fields and rows that the audience may read. Raises UnknownLayer, InvalidParameter.
    """
    if not audience.may_read(layer.id) or not layer.is_stored:
        raise UnknownLayer(layer.id)
    box = None
    if bbox is not None:
        if layer.geometry is None:
            raise InvalidParameter("bbox", f"the layer '{layer.id}' has no geometry.", f"图层“{layer.id}”没有几何。")
        if len(boxes_of(bbox, True)) != 1:
            raise InvalidParameter("bbox", "spans the antimeridian.", "跨越了 180 度经线。")
        srid = storage_srid(store)
        try:
            box = ewkb_hex(box_to_srid(bbox, 4326, srid), srid)
        except ValueError as error:
            raise InvalidParameter("bbox", f"{error}.") from None
    with asking("bbox"), store.read(audience.role) as connection:
        rows = connection.execute(
            "SELECT fid, change, before, after, place, geometry, has_moved, built, ended, changed "
            "FROM gis.change_list(%s, %s, %s, %s, %s::geometry, %s, %s, %s)",
            (layer.id, [f.name for f in audience.fields(layer)], before, after, box, limit, geometry,
             None if kinds is None else list(kinds))).fetchall()
    counts = Counts(*rows[0][7:10]) if rows else Counts(0, 0, 0)
    return ChangeList([dict(zip(_NAMES, row[:7], strict=True)) for row in rows if row[0] is not None], counts)
