"""Cells of dense layers: counted with every changeset (`sql/180_cells.sql`), summed up here when much of it waits."""

from __future__ import annotations

from layers.store import Store

__all__ = ["DUE_ROWS", "fold_cells", "fold_due"]

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
