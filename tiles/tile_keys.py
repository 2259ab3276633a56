"""The key of a vector tile, from the questions that its layers are asked with."""

from __future__ import annotations

from collections.abc import Sequence

from layers.query import ItemQuery
from tiles.cache import TileKey
from tiles.grid import TileAddress

__all__ = ["key_of"]


def key_of(queries: Sequence[ItemQuery], address: TileAddress) -> TileKey:
    """Return under what a tile of some layers is kept. All are asked for the same moment; filters have no part in it."""
    view = "/".join(query.audience.layer_key(query.layer.id) for query in queries)
    layers = tuple(query.layer.id for query in queries)
    if not queries:
        return TileKey(layers, address, view)
    first = queries[0]
    # The instant itself matters only where what was known is fixed; else its epoch is found.
    instant = (first.at, first.at) if first.at is not None and first.known_at is not None else None
    variant = "" if first.fields is None else f"properties={','.join(sorted(set(first.fields)))}"
    return TileKey(layers, address, view, first.interval or instant, first.known_at, variant)
