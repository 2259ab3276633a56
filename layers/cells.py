"""Cells of dense layers: counted with every changeset (`sql/180_cells.sql`), summed up here when much of it waits."""

from __future__ import annotations

from layers.layer import Layer
from layers.store import Store

__all__ = ["DUE_ROWS", "are_kept_by", "fold_cells", "fold_due"]

# So many rows are summed up while a tile is made, at little cost.
DUE_ROWS = 20_000


def fold_cells(store: Store, layer_id: str) -> int:
    """Sum up what waits in a layer's cells; return how much that was. Readers and writers go on meanwhile.

    Takes about half a minute for the first million features and is short after that. Answers are the same before and after.
    """
    with store.write() as connection:
        row = connection.execute("SELECT gis.fold_cells(%s)", (layer_id,)).fetchone()
    return row[0] if row else 0


def fold_due(store: Store, rows: int = DUE_ROWS) -> dict[str, int]:
    """Sum up the cells of every layer in which more than so many rows wait; return how much was summed up, by layer."""
    with store.read() as connection:
        due = [layer for (layer,) in connection.execute("SELECT gis.cells_due(%s)", (rows,))]
    return {layer: fold_cells(store, layer) for layer in due}


def are_kept_by(store: Store, layer: Layer) -> bool:
    """Do the cells that are kept of a layer tell apart the classes of this symbology? Those of another style are counted from the features."""
    s = layer.symbology
    with store.read() as connection:
        row = connection.execute("SELECT drawn FROM gis.cell_layer WHERE layer = %s", (layer.id,)).fetchone()
    if row is None or s is None:
        return False
    kept = [(c.get("value"), c.get("below")) for c in row[0].get("classes") or []]
    return s.field is None or (row[0].get("field") == s.field and kept == [(c.value, c.below) for c in s.classes])
