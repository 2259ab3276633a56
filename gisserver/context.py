"""What a running service holds: store, catalogue, identity, settings."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from starlette.types import Scope

from config.settings import Settings
from gisserver.metrics import Metrics
from gisserver.outside.asking import Outside
from layers.access import Audience
from layers.catalogue import Catalogue
from layers.errors import UnknownLayer
from layers.history import current_seq
from layers.layer import Layer
from layers.store import Store
from tiles.cache import TileCache
from tiles.expiry import Expiry
from tiles.shared_store import SharedStore
from tiles.upstreams import Upstream

__all__ = ["Context", "current", "install"]

THREADS = 16
# A delegated process may sleep; it must not hold the threads that answer everybody else.
DELEGATE_THREADS = 4
# So do tiles that are counted from very many features: these wait for each other and not in anybody's way.
COUNTING_THREADS = 2
# And services of others, which may hang: only who asks for their layers waits for them.
UPSTREAM_THREADS = 4
CATALOGUE_CHECK_S = 2.0
_HOST = re.compile(rb"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]{1,253})(:[0-9]{1,5})?\Z")
KEPT_DOCUMENTS = 100


@dataclass
class Context:
    """The parts of one server process; made once by the application factory and handed on.

    `identity` is made by `gisserver.identity`. `shared` is the store of tiles on disk, which processes of one folder share. `seq` is the highest changeset this process has heard of.
    `upstreams` are the map services of others that are shown, `outside` the way to those that readers name.
    """

    settings: Settings
    store: Store
    catalogue: Catalogue
    identity: Any = None
    changes: Any = None
    tiles: TileCache = field(default_factory=TileCache)
    shared: SharedStore | None = None
    upstreams: tuple[Upstream, ...] = ()
    seq: int = 0
    metrics: Metrics = field(default_factory=Metrics)
    threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(THREADS, "request"))
    delegate_threads: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(DELEGATE_THREADS, "delegate"))
    counting_threads: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(COUNTING_THREADS, "counting"))
    upstream_threads: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(UPSTREAM_THREADS, "upstream"))
    expiry: Expiry = field(init=False)
    outside: Outside = field(init=False)
    _documents: dict[tuple[Any, ...], bytes] = field(default_factory=dict)
    _checked_at: float = 0.0

    def __post_init__(self) -> None:
        self.expiry = Expiry(self.store, self.catalogue, self.tiles, shared=self.shared)
        self.outside = Outside(self.store)

    def base_url(self, scope: Scope) -> str:
        """Return the base of all links: GIS_PUBLIC_URL where it is set, else the address the client used."""
        if "public_url" in self.settings.model_fields_set:
            return self.settings.public_url
        host = next((value for name, value in scope["headers"] if name == b"host"), b"")
        if not _HOST.match(host):
            return self.settings.public_url
        return f"{scope.get('scheme', 'http')}://{host.decode()}"

    def layer_for(self, audience: Audience, layer_id: str) -> Layer:
        """Return a layer that an audience may read.

        Raises UnknownLayer also where it may not: whether a layer exists is not told. The catalogue is read again before a
        layer is denied, since another process may just have made it.
        """
        layer = self.catalogue.layers.get(layer_id)
        if layer is None and self.refresh():
            layer = self.catalogue.layers.get(layer_id)
        if layer is None or not audience.may_read(layer_id):
            raise UnknownLayer(layer_id)
        return layer

    def readable(self, audience: Audience) -> list[Layer]:
        """Return the layers that an audience may read, in the order of the catalogue."""
        return [layer for layer in self.catalogue.layers.values() if audience.may_read(layer.id)]

    def refresh(self, at_once: bool = False) -> bool:
        """Read the catalogue again if it changed; at most every CATALOGUE_CHECK_S seconds, or at once."""
        now = time.monotonic()
        if not at_once and now - self._checked_at < CATALOGUE_CHECK_S:
            return False
        self._checked_at = now
        changed = self.catalogue.refresh()
        # Also where somebody else in this process has read the catalogue again.
        self.expiry.forget()
        return changed

    def by_standing[T](self, make: Callable[[int], T]) -> T:
        """Return what is made by the definitions that stand (`Catalogue.by_standing`)."""
        return self.catalogue.by_standing(make, lambda: self.refresh(at_once=True))

    def catch_up(self, seq: int) -> None:
        """Make sure this process is not behind a changeset that a client has seen.

        Features are read from the database itself and are never behind; what is kept here (catalogue, documents, tiles) is
        read again.
        """
        if seq > self.seq:
            self._checked_at = 0.0
            self.refresh()
            self.expiry.catch_up(seq)
            # What the client says is believed only as far as the store has it: a made-up number must not stand for news.
            self.seq = max(self.seq, min(seq, current_seq(self.store)))

    def document(self, audience: Audience, key: tuple[Any, ...], make: Callable[[], bytes]) -> bytes:
        """Return a document made from the catalogue, kept (as bytes, that weigh least) per audience and version of it."""
        full = (self.catalogue.version, audience.fingerprint, *key)
        found = self._documents.get(full)
        if found is None:
            found = make()
            if len(self._documents) >= KEPT_DOCUMENTS:
                self._documents.pop(next(iter(self._documents)), None)
            self._documents[full] = found
        return found

    def close(self) -> None:
        self.threads.shutdown(wait=False, cancel_futures=True)
        self.delegate_threads.shutdown(wait=False, cancel_futures=True)
        self.counting_threads.shutdown(wait=False, cancel_futures=True)
        self.upstream_threads.shutdown(wait=False, cancel_futures=True)
        if self.shared is not None:
            self.shared.close()
        self.store.close()


# pygeoapi makes its providers itself, from dictionaries: they find the store here. It is the one global we allow.
_installed: list[Context] = []


def install(context: Context) -> None:
    """Make a context the one that pygeoapi's providers find."""
    _installed[:] = [context]


def current() -> Context:
    """Return the installed context."""
    return _installed[0]
