"""`gis serve`: the services in one process, or in several behind one listening socket."""

from __future__ import annotations

import click
import uvicorn

from config.settings import Settings

__all__ = ["command"]

GRACE_S = 8


@click.command()
@click.option("--fd", type=int, help="Serve on this inherited listening socket (used by the supervisor).")
@click.pass_obj
def command(settings: Settings, fd: int | None) -> None:
    """Serve the city in this process until it is told to end. 提供服务。"""
    uvicorn.run("gisserver.asgi:create_app", factory=True, fd=fd, host=settings.bind, port=settings.port,
                loop="uvloop", http="httptools", lifespan="on", access_log=False, server_header=False, log_level="warning",
                # the application knows its public address and the proxies it trusts; uvicorn is not to guess
                proxy_headers=False, timeout_graceful_shutdown=GRACE_S, backlog=2048)
