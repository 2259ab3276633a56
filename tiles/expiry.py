"""Expiry: bring a process's cached tiles to what the store knows, by the number of the last changeset and by the clock."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from layers.access import OWNER
from layers.catalogue import Catalogue
from layers.errors import UnknownChangeset
from layers.history import Touch, came_true, changeset, current_seq, next_instant, touched_since
from layers.layer import Layer
from layers.store import Store
from tiles.cache import TileCache
from tiles.epochs import Epochs
from tiles.grid import grids_of
from tiles.shared_store import Mark, SharedStore, Touched

__all__ = ["Expiry"]

# The cache is told envelopes in this CRS and finds their place in every grid by itself.
SRID = 3857
# The store on disk is told so often that nothing came true.
TELL_CLOCK = timedelta(minutes=1)


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
    shared
        The store on disk that stands behind the cache; it is brought up to date here, and then asked by the cache.

    Attributes
    ----------
    epochs
        The spans of valid time whose days share a tile, as far as this process looked.
    """

    def __init__(self, store: Store, catalogue: Catalogue, cache: TileCache, clock: Callable[[], datetime] = _utc_now,
                 shared: SharedStore | None = None) -> None:
        self.epochs = Epochs(store)
        self.store, self.catalogue, self.cache, self.clock = store, catalogue, cache, clock
        self._one_at_a_time = threading.Lock()
        self._looked_at = clock()
        self._instants: dict[str, datetime | None] = {}
        self.shared = shared
        self._version, self._versions = catalogue.version, dict(catalogue.drawn)
        self._told = self._looked_at
        self.cache.reach(current_seq(store))
        if shared is not None:
            self._open(shared)

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
                # Parts are told of where their owners stand; of what has no place at all, every tile that holds it is asked for again.
                if touch.envelope is not None or self._has_no_place(touch.layer):
                    self.cache.expire(touch.seq, touch.layer, touch.envelope, touch.span, now)
                self._hear_of(touch.layer, touch.seq, now)
            self._tell(newest, touches)
            self.cache.reach(newest)
            return newest

    def forget(self) -> None:
        """Drop what was made from definitions that no longer hold; cheap where the catalogue is the same."""
        if self.catalogue.version == self._version:
            return
        self._version = self.catalogue.version
        versions, now = dict(self.catalogue.drawn), self.clock()
        for layer in {*self._versions, *versions}:
            if self._versions.get(layer) != versions.get(layer):
                self.epochs.forget(layer)
                self.cache.forget(layer, now)
        self._versions = versions
        if self.shared is not None:
            self.shared.know(grids_of(self.catalogue.city).values(), versions)

    def come_true(self) -> list[str]:
        """Expire the present where something planned has come true or ended since the last look; return the layers.

        Cheap as long as nothing is due: it only looks at the clock.
        """
        with self._one_at_a_time:
            now = self.clock()
            self._begin_where_shared_is()
            changed, came = [], list[Touched]()
            for layer in self.catalogue.layers.values():
                if not (layer.kind in ("spatial", "coverage") or self._is_part(layer)):
                    continue
                if layer.id not in self._instants:
                    self._instants[layer.id] = next_instant(self.store, layer.id, self._looked_at)
                due = self._instants[layer.id]
                if due is None or due > now:
                    continue
                envelope = came_true(self.store, layer.id, self._looked_at, now, SRID)
                if envelope is not None:
                    self.cache.expire(self.cache.seq, layer.id, envelope, None, now, by_clock=True)
                    came.append(Touched(self.cache.seq, layer.id, envelope, None, now))
                    changed.append(layer.id)
                self._instants[layer.id] = next_instant(self.store, layer.id, now)
            self._looked_at = now
            if self.shared is not None and (came or now - self._told > TELL_CLOCK):
                if self.shared.apply(self._mark(self.cache.seq, now), came, self.cache.seq, now):
                    self._told = now
            return changed

    def _open(self, shared: SharedStore) -> None:
        """Bring the store on disk to where this process is, before anything is served from it."""
        shared.know(grids_of(self.catalogue.city).values(), self._versions)
        reached = shared.open(self._mark(self.cache.seq, self._looked_at), self._stamp)
        if reached is not None:
            self._told = self._looked_at = min(self._looked_at, reached.clock)
            self._tell(self.cache.seq, [])
            self.cache.behind = shared
            self.come_true()

    def _tell(self, newest: int, touches: list[Touch]) -> None:
        """Apply to the store on disk what it has not seen, which is more than this process where it was away."""
        reached = self.shared.reached() if self.shared is not None else None
        if self.shared is None or reached is None:
            return
        since = min(self.cache.seq, reached.seq)
        if since == newest:
            return
        if since < self.cache.seq:
            _, touches = touched_since(self.store, since, SRID)
        touched = [Touched(t.seq, t.layer, t.envelope, t.span) for t in touches
                   if t.seq <= newest and (t.envelope is not None or self._has_no_place(t.layer))]
        self.shared.apply(self._mark(newest, self._told), touched, since, self.clock())

    def _begin_where_shared_is(self) -> None:
        """Look at the clock from where the store on disk was left, where that is earlier."""
        reached = self.shared.reached() if self.shared is not None else None
        if reached is not None and reached.clock < self._told:
            self._told = self._looked_at = reached.clock
            self._instants.clear()

    def _mark(self, seq: int, clock: datetime) -> Mark:
        return Mark(seq, self._stamp(seq) or "", clock)

    def _stamp(self, seq: int) -> str | None:
        try:
            return changeset(self.store, self.catalogue, OWNER, seq).recorded_at.isoformat() if seq else ""
        except UnknownChangeset:
            return None

    def _has_no_place(self, layer_id: str) -> bool:
        layer = self.catalogue.layers.get(layer_id)
        return layer is not None and layer.geometry is None

    def _is_part(self, layer: Layer) -> bool:
        """Is it a layer of parts of what has a place?"""
        owner = self.catalogue.layers.get(layer.parent.references or "") if layer.parent else None
        return owner is not None and owner.geometry is not None

    def _hear_of(self, layer_id: str, seq: int, now: datetime) -> None:
        if layer_id not in self._instants:
            return      # looked up whole when it is first due
        new = next_instant(self.store, layer_id, now, seq)
        known = self._instants[layer_id]
        if new is not None and (known is None or new < known):
            self._instants[layer_id] = new
