"""The key of a vector tile, from the questions that its layers are asked with, and whether it is kept."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import orjson

from layers.query import ItemQuery
from tiles.aggregates import AGGREGATED, is_aggregated
from tiles.cache import TileKey
from tiles.grid import TileAddress

__all__ = ["is_to_keep", "key_of"]


def is_to_keep(queries: Sequence[ItemQuery], address: TileAddress) -> bool:
    """Is a tile worth its place? There are as many filters as people, but one that was counted from all features was dear."""
    return all(query.filter is None or (is_aggregated(query.layer) and address.detail <= AGGREGATED) for query in queries)


def key_of(queries: Sequence[ItemQuery], address: TileAddress) -> TileKey:
    """Return under what a tile of some layers is kept. All are asked for the same moment; only one layer alone has a filter."""
    view = "/".join(query.audience.layer_key(query.layer.id) for query in queries)
    layers = tuple(query.layer.id for query in queries)
    if not queries:
        return TileKey(layers, address, view)
    first = queries[0]
    # The instant itself matters only where what was known is fixed; else its epoch is found.
    instant = (first.at, first.at) if first.at is not None and first.known_at is not None else None
    variant = "" if first.fields is None else f"properties={','.join(sorted(set(first.fields)))}"
    if first.filter is not None:
        variant += f"&filter={blake2b(orjson.dumps(first.filter, option=orjson.OPT_SORT_KEYS), digest_size=16).hexdigest()}"
    return TileKey(layers, address, view, first.interval or instant, first.known_at, variant)
