"""Selections that are too large to travel: the numbers of their features stay in the store, and filters name them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from layers.store import Store

__all__ = ["MOST_KEPT_FIDS", "keep_selection"]

MOST_KEPT_FIDS = 200_000
MOST_KEPT = 500


def keep_selection(store: Store, layer: str, fids: Sequence[int]) -> str:
    """Keep the numbers of some features of a layer; return the name by which a filter knows them (`{"op": "selected", "args": [name]}`).

    The same features have the same name. A filter shows of them what its reader may see, so a name gives nobody anything. At most
    MOST_KEPT selections are kept, those that were asked for last.
    """
    listed = sorted(set(fids))
    name = hashlib.sha256(f"{layer}:{','.join(map(str, listed))}".encode()).hexdigest()[:24]
    with store.write() as connection:
        connection.execute("INSERT INTO gis.kept_selection (selection, layer, fids) VALUES (%s, %s, %s) "
                           "ON CONFLICT (selection) DO UPDATE SET kept_at = clock_timestamp()", (name, layer, listed))
        connection.execute("DELETE FROM gis.kept_selection WHERE selection IN "
                           "(SELECT selection FROM gis.kept_selection ORDER BY kept_at DESC OFFSET %s)", (MOST_KEPT,))
    return name
