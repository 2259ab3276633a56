"""Expiry: bring a process's cached tiles to what the store knows, by the number of the last changeset and by the clock."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime

from layers.catalogue import Catalogue
from layers.history import came_true, current_seq, next_instant, touched_since
from layers.store import Store
from tiles.cache import TileCache
from tiles.epochs import Epochs

__all__ = ["Expiry"]

# The cache is told envelopes in this CRS and finds their place in every grid by itself.
SRID = 3857


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Expiry:
    """Asks the store what changed and drops exactly those tiles.

    Two things change the present: a changeset, and the moment at which something planned comes true. Both are asked for
    here, and a process that answers after `catch_up(n)` answers nothing older than changeset n.

    Parameters
    ----------
    clock
        Tells the time; tests move it.

    Attributes
    ----------
    epochs
        The spans of valid time whose days share a tile, as far as this process looked.
    """

    def __init__(self, store: Store, catalogue: Catalogue, cache: TileCache, clock: Callable[[], datetime] = _utc_now) -> None:
        self.epochs = Epochs(store)
        self.store, self.catalogue, self.cache, self.clock = store, catalogue, cache, clock
        self._one_at_a_time = threading.Lock()
        self._looked_at = clock()
        self._instants: dict[str, datetime | None] = {}
        self.cache.reach(current_seq(store))

    @property
    def next_instant(self) -> datetime | None:
        """Return the next moment at which the present changes by itself, as far as is known."""
        return min((at for at in self._instants.values() if at is not None), default=None)

    def catch_up(self, seq: int | None = None) -> int:
        """Expire what changesets after the watermark touched; return the new watermark.

        With `seq` nothing is done where the process is as far already.
        """
        if seq is not None and self.cache.seq >= seq:
            return self.cache.seq
        with self._one_at_a_time:
            if seq is not None and self.cache.seq >= seq:
                return self.cache.seq
            newest, touches = touched_since(self.store, self.cache.seq, SRID)
            now = self.clock()
            for touch in touches:
                # Before the watermark says so: whoever finds this process up to date finds its epochs up to date.
                self.epochs.hear(touch.seq, touch.layer, touch.envelope)
                # Storeys and units have no place of their own; tiles that hold them are all asked for again.
                if touch.envelope is not None or self._has_no_place(touch.layer):
                    self.cache.expire(touch.seq, touch.layer, touch.envelope, touch.span, now)
                self._hear_of(touch.layer, touch.seq, now)
            self.cache.reach(newest)
            return newest

    def forget(self) -> None:
        """Drop all that is kept: definitions changed."""
        self.epochs.clear()
        self.cache.clear()

    def come_true(self) -> list[str]:
        """Expire the present where something planned has come true or ended since the last look; return the layers.

        Cheap as long as nothing is due: it only looks at the clock.
        """
        with self._one_at_a_time:
            now = self.clock()
            changed = []
            for layer in self.catalogue.layers.values():
                if layer.kind != "spatial":
                    continue
                if layer.id not in self._instants:
                    self._instants[layer.id] = next_instant(self.store, layer.id, self._looked_at)
                due = self._instants[layer.id]
                if due is None or due > now:
                    continue
                envelope = came_true(self.store, layer.id, self._looked_at, now, SRID)
                if envelope is not None:
                    self.cache.expire(self.cache.seq, layer.id, envelope, None, now, by_clock=True)
                    changed.append(layer.id)
                self._instants[layer.id] = next_instant(self.store, layer.id, now)
            self._looked_at = now
            return changed

    def _has_no_place(self, layer_id: str) -> bool:
        layer = self.catalogue.layers.get(layer_id)
        return layer is not None and layer.geometry is None

    def _hear_of(self, layer_id: str, seq: int, now: datetime) -> None:
        if layer_id not in self._instants:
            return      # looked up whole when it is first due
        new = next_instant(self.store, layer_id, now, seq)
        known = self._instants[layer_id]
        if new is not None and (known is None or new < known):
            self._instants[layer_id] = new
