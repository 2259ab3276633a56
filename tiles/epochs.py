"""Epochs: spans of valid time in which nothing changed where a tile lies, so that all their days share one tile.

A tile of a day shows the rows that hold on that day; it is the same from one instant at which a row in its reach begins or
ends to the next. Those instants are kept per layer and cell, read once and then told by `hear`. Too many of them only part
an epoch in two that look the same, too few would be wrong: so none is ever taken away, and whoever made a tile from a newer
snapshot looks again (`Epochs.span` after `Expiry.catch_up`) before the tile stands for the epoch.
"""

from __future__ import annotations

import threading
import time
from array import array
from bisect import bisect_right, insort
from collections import OrderedDict
from collections.abc import Iterable
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import LiteralString, NamedTuple, cast

from psycopg import sql

from layers.store import Store
from tiles.cache import PICTURE_MARGIN
from tiles.grid import WEB_MERCATOR_QUAD, Envelope, TileAddress

__all__ = ["Epochs", "Span"]

Span = tuple[datetime | None, datetime | None]
# Cells by the level of the tile: the fewest rows that are read for nothing, against the fewest readings.
CELL_LEVELS = ((12, 12), (10, 10))
MOST_CELLS_A_TILE = 9
# 8 bytes each.
MOST_INSTANTS = 4_000_000
# What a changeset brings more than this is read anew where it is asked for.
MOST_NEW = 2_000
_SQL = Path(__file__).parent / "sql"
_1970 = datetime(1970, 1, 1, tzinfo=UTC)


class _Cell(NamedTuple):
    layer: str
    # None: the layer as a whole.
    z: int | None
    x: int = 0
    y: int = 0

    @property
    def envelope(self) -> Envelope | tuple[None, None, None, None]:
        return (None,) * 4 if self.z is None else TileAddress(self.z, self.x, self.y).envelope


class Epochs:
    """The instants of change that one process knows. Every method may be called from any thread."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._cells: OrderedDict[_Cell, array[int]] = OrderedDict()
        self._count = 0
        self._heard: dict[str, int] = {}
        self._pending: dict[_Cell, Future[None]] = {}
        self._lock, self._reading = threading.Lock(), threading.Lock()

    def span(self, layers: Iterable[str], address: TileAddress, at: datetime) -> Span | None:
        """Return the half-open span around a moment in which the tile is the same; None where that was not read yet."""
        wanted = _microseconds(at)
        begin: int | None = None
        end: int | None = None
        with self._lock:
            for layer in layers:
                for cell in _cells_of(layer, address):
                    instants = self._cells.get(cell)
                    if instants is None:
                        return None
                    place = bisect_right(instants, wanted)
                    if place and (begin is None or instants[place - 1] > begin):
                        begin = instants[place - 1]
                    if place < len(instants) and (end is None or instants[place] < end):
                        end = instants[place]
        return _moment(begin), _moment(end)

    def read(self, layers: Iterable[str], address: TileAddress, wait_s: float | None = None) -> bool:
        """Read what `span` needs; asks the database for the cells that are not known. Raises Unavailable.

        With `wait_s` nobody waits longer: the reading goes on by itself, for those who come later, and False is returned.
        """
        end = None if wait_s is None else time.monotonic() + wait_s
        for layer in layers:
            for cell in _cells_of(layer, address):
                reading = self._begin(cell)
                try:
                    if reading is not None:
                        reading.result(None if end is None else max(0, end - time.monotonic()))
                except TimeoutError:
                    return False
        return True

    def _begin(self, cell: _Cell) -> Future[None] | None:
        """Begin to read a cell, or return the reading that is under way; None where it is known."""
        with self._lock:
            if cell in self._cells:
                return None
            reading = self._pending.get(cell)
            if reading is not None:
                return reading
            reading = self._pending[cell] = Future()
        threading.Thread(target=self._read_alone, args=(cell, reading), name="epochs", daemon=True).start()
        return reading

    def _read_alone(self, cell: _Cell, reading: Future[None]) -> None:
        try:
            # One after the other: the database has others to serve.
            with self._reading:
                self._read(cell)
        except BaseException as error:
            self._done(cell)
            reading.set_exception(error)
        else:
            self._done(cell)
            reading.set_result(None)

    def _done(self, cell: _Cell) -> None:
        with self._lock:
            self._pending.pop(cell, None)

    def hear(self, seq: int, layer: str, envelope: Envelope | None) -> None:
        """Take in what a changeset brought to a layer, within an envelope in Web Mercator."""
        with self._lock:
            self._heard[layer] = max(seq, self._heard.get(layer, 0))
            mine = [cell for cell in self._cells if cell.layer == layer]
        if not mine or envelope is None:
            return
        statement = _statement("instants_of_changeset.sql", layer)
        with self.store.read() as connection:
            row = connection.execute(statement, {"seq": seq, "limit": MOST_NEW + 1}).fetchone()
        new = row[0] if row else []
        with self._lock:
            for cell in mine:
                instants = self._cells.get(cell)
                if instants is None or not _meet(cell.envelope, envelope):
                    continue
                if len(new) > MOST_NEW:
                    self._drop(cell)
                    continue
                for instant in new:
                    place = bisect_right(instants, instant)
                    if not place or instants[place - 1] != instant:
                        insort(instants, instant)
                        self._count += 1

    def forget(self, layer: str) -> None:
        """Forget a layer, whose definition changed."""
        with self._lock:
            for cell in [cell for cell in self._cells if cell.layer == layer]:
                self._drop(cell)

    def _read(self, cell: _Cell) -> None:
        minx, miny, maxx, maxy = cell.envelope
        with self.store.read() as connection:
            row = connection.execute(_statement("instants_of_cell.sql", cell.layer),
                                     {"minx": minx, "miny": miny, "maxx": maxx, "maxy": maxy}).fetchone()
        instants, seq = row if row else ([], 0)
        with self._lock:
            # What was heard meanwhile is not in an older snapshot.
            if seq < self._heard.get(cell.layer, 0):
                return
            self._cells[cell] = array("q", instants)
            self._count += len(instants)
            while self._count > MOST_INSTANTS and len(self._cells) > 1:
                self._drop(next(iter(self._cells)))

    def _drop(self, cell: _Cell) -> None:
        self._count -= len(self._cells.pop(cell))


def _cells_of(layer: str, address: TileAddress) -> list[_Cell]:
    z = next((cell for level, cell in CELL_LEVELS if address.detail >= level), None)
    whole = [_Cell(layer, None)]
    if z is None or (reach := address.reach(3857, PICTURE_MARGIN)) is None:
        return whole
    found = WEB_MERCATOR_QUAD.limits(z, reach, 3857)
    if found is None or (found.last_column - found.first_column + 1) * (found.last_row - found.first_row + 1) > MOST_CELLS_A_TILE:
        return whole
    return [_Cell(layer, z, x, y) for x in range(found.first_column, found.last_column + 1)
            for y in range(found.first_row, found.last_row + 1)]


def _meet(a: Envelope | tuple[None, None, None, None], b: Envelope) -> bool:
    return a[0] is None or (a[0] <= b[2] and a[2] >= b[0] and a[1] <= b[3] and a[3] >= b[1])


def _statement(name: str, layer: str) -> sql.Composed:
    text = cast(LiteralString, (_SQL / name).read_text("utf-8"))
    return sql.SQL(text).format(layer=sql.Identifier(layer), past=sql.Identifier(f"{layer}_past"))


def _microseconds(at: datetime) -> int:
    return (at - _1970) // timedelta(microseconds=1)


def _moment(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else _1970 + timedelta(microseconds=microseconds)
