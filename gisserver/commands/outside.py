"""`gis outside`: the hosts of others that the server may ask."""

from __future__ import annotations

import click

from config.settings import Settings
from gisserver.ops.database import city_store
from gisserver.ops.operator import operator
from layers.outside import allow_host, forbid_host, outside_hosts

__all__ = ["command"]


@click.group()
def command() -> None:
    """Allow, forbid and list hosts of other map services. 管理允许访问的外部服务主机。"""


@command.command("list")
@click.pass_obj
def list_hosts(settings: Settings) -> None:
    """List the hosts that the server may ask."""
    with city_store(settings) as store:
        for host in outside_hosts(store):
            kinds = " ".join(word for word, holds in (("private", host.is_private), ("everyone", host.for_everyone)) if holds)
            click.echo(f"{host.origin:<48} {kinds:<17} {host.allowed_at:%Y-%m-%d} {host.allowed_by:<16} {host.title or ''}".rstrip())


@command.command()
@click.argument("host")
@click.option("--title", help="What it is.")
@click.option("--private", is_flag=True, help="Its name may lead into the own network, or to this machine.")
@click.option("--everyone", is_flag=True, help="Its layers are shown to readers without an account too.")
@click.pass_obj
def allow(settings: Settings, host: str, title: str | None, private: bool, everyone: bool) -> None:
    """Let the server ask a host: https://maps.example.org, http://10.1.2.3:8080 (scheme, name and port, exactly)."""
    with city_store(settings) as store:
        made = allow_host(store, operator(), host, title, private, everyone)
    click.echo(f"Allowed {made.origin}.")


@command.command()
@click.argument("host")
@click.pass_obj
def forbid(settings: Settings, host: str) -> None:
    """Take a host from the list; layers from it are shown no more."""
    with city_store(settings) as store:
        origin = forbid_host(store, operator(), host)
    click.echo(f"Forbade {origin}.")
