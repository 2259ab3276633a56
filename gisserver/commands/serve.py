"""`gis serve`: the services in one process, or in several behind one listening socket."""

from __future__ import annotations

import socket

import click
import uvicorn

from config.settings import Settings
from gisserver.exit_codes import ExitCode
from gisserver.http_protocol import HotProtocol
from gisserver.ops.address import take_address

__all__ = ["command"]

# Open change streams end then; requests in work have had their time.
GRACE_S = 5


@click.command()
@click.option("--fd", type=int, help="Serve on this inherited listening socket (used by the supervisor).")
@click.pass_obj
def command(settings: Settings, fd: int | None) -> int:
    """Serve the city in this process until it is told to end. 提供服务。"""
    listening = take_address(settings) if fd is None else socket.socket(fileno=fd)
    server = uvicorn.Server(uvicorn.Config(
        "gisserver.asgi:create_app", factory=True, host=settings.bind, port=settings.port, loop="uvloop", http=HotProtocol,
        lifespan="on", access_log=False, server_header=False, log_level="warning", backlog=2048,
        # the application knows its public address and the proxies it trusts; uvicorn is not to guess
        proxy_headers=False, timeout_graceful_shutdown=GRACE_S))
    with listening:
        server.run([listening])
    return ExitCode.OK if server.started else ExitCode.FAILED
