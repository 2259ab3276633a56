"""A question to a layer: what every reading of features is made from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from layers.layer import Layer, LayerField

if TYPE_CHECKING:
    from layers.access import Audience

__all__ = ["ItemQuery"]


@dataclass(frozen=True)
class ItemQuery:
    """Which features of a layer, at which moment, in what form.

    Parameters
    ----------
    layer, audience
        What is asked, and for whom: only the audience's fields and districts take part.
    bbox, bbox_srid
        (minx, miny, maxx, maxy), x east first; for a geographic SRID in degrees, and minx > maxx spans the antimeridian.
    at, interval
        Valid time: an instant (None is now) or a half-open interval, whose None ends are open. Only one of them.
    known_at
        A changeset number: the answer is what was known then. None is the present belief.
    filter
        CQL2 JSON as `layers.filters.parse_filter` gives it; names and values are checked when it is asked.
    fids
        Only these features.
    fields
        The properties to give; None gives all that the audience may read.
    sortby
        Pairs (field, descending).
    limit, after
        Page size and the opaque cursor of the page before. A limit of None is for `rows` alone: all of them.
    srid, flip
        CRS of the answer and whether its authority puts north (or latitude) first.
    geometry
        Give geometries?
    """

    layer: Layer
    audience: Audience
    bbox: tuple[float, float, float, float] | None = None
    bbox_srid: int = 4326
    at: datetime | None = None
    interval: tuple[datetime | None, datetime | None] | None = None
    known_at: int | None = None
    filter: dict[str, Any] | bool | None = None
    fids: tuple[int, ...] | None = None
    fields: tuple[str, ...] | None = None
    sortby: tuple[tuple[str, bool], ...] = ()
    limit: int | None = 10
    after: str | None = None
    srid: int = 4326
    flip: bool = False
    geometry: bool = True

    @property
    def chosen(self) -> tuple[LayerField, ...]:
        """Return the fields of the answer, in the layer's order."""
        visible = self.audience.fields(self.layer)
        return visible if self.fields is None else tuple(f for f in visible if f.name in self.fields)
