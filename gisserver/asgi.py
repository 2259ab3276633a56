"""The application: one call makes everything a server process needs."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import FrameType
from typing import Any

from starlette.routing import Router
from starlette.types import ASGIApp

from config.settings import Settings, read_settings
from gisserver.context import Context, install
from gisserver.credentials import RedactKeys
from gisserver.events import ChangeFeed
from gisserver.hot_lane import HotLane
from gisserver.identity import open_identity
from gisserver.middleware import wrap
from gisserver.observe import Answering, Observed
from gisserver.ops.database import city_dsn
from gisserver.raster.upstreams import read_upstreams
from gisserver.request_ids import RequestIds
from gisserver.routes import accounts, audit, auth, geometry, keys, outside
from gisserver.routing import client_routes, service_routes
from gisserver.tile_disk import tile_disk
from gisserver.upkeep import Upkeep
from layers.catalogue import Catalogue
from layers.store import Store

__all__ = ["application", "create_app", "open_context"]


def create_app(settings: Settings | None = None) -> ASGIApp:
    """Make the ASGI application of a city.

    Without settings they are read from the environment: this is one of the two doors where that happens. Raises
    SettingsError for a wrong environment, Unavailable where the database cannot be reached.
    """
    for name in ("uvicorn.access", "uvicorn.error", "gisserver"):
        logging.getLogger(name).addFilter(RedactKeys())
    return application(open_context(settings or read_settings(os.environ)[0], with_disk=True))


def open_context(settings: Settings, with_disk: bool = False) -> Context:
    """Open store, catalogue and identity for a server process; with its store of tiles on disk where that is wanted."""
    store = Store(city_dsn(settings))
    catalogue = Catalogue(store)
    context = Context(settings, store, catalogue, shared=tile_disk(settings, store.dsn) if with_disk else None)
    context.identity = open_identity(store, catalogue)
    # Keys of services of others have names of the administrator's own; here is one of the two doors to the environment.
    context.upstreams = read_upstreams(settings.city.parent / "upstreams.yaml", os.environ, frozenset(catalogue.layers))
    return context


def application(context: Context) -> ASGIApp:
    """Return the application over opened parts; its lifespan begins to listen for changes and closes the parts."""
    install(context)
    routes = [*service_routes(context), *auth.routes(context), *keys.routes(context), *accounts.routes(context), *audit.routes(context),
              *geometry.routes(context), *outside.routes(context), *client_routes(context)]
    router = Router(routes, redirect_slashes=False, lifespan=lambda app: _lifespan(context))
    ids = RequestIds()
    return Observed(wrap(Answering(router, context.base_url), context), context.metrics, ids, HotLane(context, ids))


@asynccontextmanager
async def _lifespan(context: Context) -> AsyncIterator[None]:
    context.changes = ChangeFeed(context)
    context.changes.start()
    upkeep = Upkeep(context.store)
    upkeep.start()
    _end_streams_on_signal(context.changes)
    try:
        yield
    finally:
        upkeep.close()
        context.changes.close()
        context.close()


def _end_streams_on_signal(feed: ChangeFeed) -> None:
    """End open change streams when the server is told to end: it waits for its answers first, and a stream never ends."""
    if threading.current_thread() is not threading.main_thread():
        return
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        before = signal.getsignal(number)

        def end(received: int, frame: FrameType | None, before: Any = before) -> None:
            loop.call_soon_threadsafe(feed.close)
            if callable(before):
                before(received, frame)

        if callable(before):
            signal.signal(number, end)
