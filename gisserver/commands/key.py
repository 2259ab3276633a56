"""`gis key`: API keys, on the machine."""

from __future__ import annotations

import click

from config.settings import Settings
from gisserver.ops.database import city_store
from gisserver.ops.operator import operator
from layers.accounts import account
from layers.catalogue import Catalogue
from layers.keys import LONGEST_DAYS, create_key, keys, revoke_key

__all__ = ["command"]


@click.group()
def command() -> None:
    """Make, list and revoke API keys. 管理接口密钥。"""


@command.command("list")
@click.option("--user", "username", help="Only the keys of this account.")
@click.pass_obj
def list_keys(settings: Settings, username: str | None) -> None:
    """List the keys that hold; never the keys themselves."""
    with city_store(settings) as store:
        for key in keys(store, account(store, username).account_id if username else None):
            layers = "all layers" if key["layers"] is None else ",".join(key["layers"])
            used = f"used {key['used_at']:%Y-%m-%d}" if key["used_at"] else "never used"
            click.echo(f"{key['id']:>5} {key['prefix']:<12} {key['username']:<16} {layers:<30} until {key['expires_at']:%Y-%m-%d} "
                       f"{used:<16} {'edits ' if key['can_edit'] else ''}{key['title']}")


@command.command()
@click.argument("username")
@click.option("--title", required=True, help="What it is for.")
@click.option("--layer", "layers", multiple=True, help="A layer it opens, several times; without it, all layers of the account.")
@click.option("--days", type=click.IntRange(1, LONGEST_DAYS), default=90, show_default=True, help="How long it holds.")
@click.option("--edit", is_flag=True, help="It may also edit what the account may edit.")
@click.pass_obj
def create(settings: Settings, username: str, title: str, layers: tuple[str, ...], days: int, edit: bool) -> None:
    """Make a key for an account and print it, this once."""
    with city_store(settings) as store:
        catalogue = Catalogue(store)
        for layer in layers:
            catalogue.layer(layer)
        key, _ = create_key(store, operator(), account(store, username).account_id, title, layers or None, days, edit)
    click.echo(key)


@command.command()
@click.argument("number", type=int)
@click.pass_obj
def revoke(settings: Settings, number: int) -> None:
    """Revoke a key by its number, at once."""
    with city_store(settings) as store:
        revoke_key(store, operator(), number)
    click.echo(f"Revoked {number}.")
