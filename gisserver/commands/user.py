"""`gis user`: accounts, on the machine. Whoever may run this may do everything; the audit notes it all the same."""

from __future__ import annotations

import sys

import click

from config.settings import Settings
from gisserver.exit_codes import ExitCode
from gisserver.identity import ROLES
from gisserver.ops.database import city_store
from gisserver.ops.operator import operator
from gisserver.ops.saying import Teller
from layers.accounts import (
    Account,
    account,
    accounts,
    bootstrap_accounts,
    change_account,
    create_account,
    fullest_district,
    set_password,
)
from layers.catalogue import Catalogue
from layers.passwords import make_password
from layers.roles import read_roles

__all__ = ["command"]

ROLE = click.option("--role", "roles", multiple=True, help="A role of config/roles.yaml; may be given several times.")
DISTRICT = click.option("--district", "districts", multiple=True, help="Code of a district that limits the account; several times.")
EVERYWHERE = click.option("--every-district", is_flag=True, help="The account is limited to no district.")


@click.group()
def command() -> None:
    """Make, change and disable accounts. 管理账号。"""


@command.command("list")
@click.pass_obj
def list_accounts(settings: Settings) -> None:
    """List the accounts."""
    with city_store(settings) as store:
        for found in accounts(store):
            click.echo(_line(found))


@command.command()
@click.argument("username")
@ROLE
@DISTRICT
@EVERYWHERE
@click.option("--name", "display_name", help="The name to be shown.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input; else a random one is made and printed.")
@click.pass_obj
def add(settings: Settings, username: str, roles: tuple[str, ...], districts: tuple[str, ...], every_district: bool,
        display_name: str | None, password_stdin: bool) -> None:
    """Make an account; its password must be changed at the first sign-in."""
    password = _password(password_stdin)
    with city_store(settings) as store:
        made = create_account(store, read_roles(ROLES), operator(), username, password, roles, None if every_district else districts,
                              display_name, must_change=True)
    click.echo(_line(made))
    if not password_stdin:
        click.echo(f"password: {password}")


@command.command()
@click.argument("username")
@ROLE
@DISTRICT
@EVERYWHERE
@click.pass_obj
def change(settings: Settings, username: str, roles: tuple[str, ...], districts: tuple[str, ...], every_district: bool) -> None:
    """Give an account other roles or districts, instead of those it has."""
    changes: dict[str, object] = {}
    if roles:
        changes["names"] = roles
    if districts or every_district:
        changes["districts"] = None if every_district else districts
    if not changes:
        raise click.UsageError("Give --role, --district or --every-district.")
    with city_store(settings) as store:
        click.echo(_line(change_account(store, read_roles(ROLES), operator(), account(store, username).account_id, **changes)))


@command.command()
@click.argument("username")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input; else a random one is made and printed.")
@click.pass_obj
def password(settings: Settings, username: str, password_stdin: bool) -> None:
    """Give an account a new password, which must be changed at the next sign-in; its sessions end."""
    new = _password(password_stdin)
    with city_store(settings) as store:
        set_password(store, operator(), account(store, username).account_id, new)
    if not password_stdin:
        click.echo(f"password: {new}")


@command.command()
@click.argument("username")
@click.pass_obj
def disable(settings: Settings, username: str) -> None:
    """Disable an account; its sessions and keys end at once."""
    with city_store(settings) as store:
        click.echo(_line(change_account(store, read_roles(ROLES), operator(), account(store, username).account_id, is_disabled=True)))


@command.command()
@click.argument("username")
@click.pass_obj
def enable(settings: Settings, username: str) -> None:
    """Enable an account that was disabled."""
    with city_store(settings) as store:
        click.echo(_line(change_account(store, read_roles(ROLES), operator(), account(store, username).account_id, is_disabled=False)))


@command.command()
@click.pass_obj
def bootstrap(settings: Settings) -> int:
    """Make one account for each role on the first start, and print their passwords once. Nothing where there are accounts."""
    given = settings.admin_password.get_secret_value() if settings.admin_password else None
    with city_store(settings) as store:
        catalogue = Catalogue(store)
        roles = read_roles(ROLES)
        district = fullest_district(store, catalogue.layers.values())
        made = bootstrap_accounts(store, roles, given, [district] if district else [])
    if not made:
        return ExitCode.OK
    teller = Teller()
    teller.say("Accounts (the passwords are shown this once):", "账号（密码仅显示这一次）：")
    for username, secret, role in made:
        shown = teller.text("as set in GIS_ADMIN_PASSWORD", "即 GIS_ADMIN_PASSWORD 所设") if secret == given else secret
        title = roles.roles[role].title
        teller.say(f"  {username:<12} {shown:<30} {title.en}", f"  {username:<12} {shown:<30} {title.zh}")
    return ExitCode.OK


def _password(from_stdin: bool) -> str:
    return sys.stdin.readline().rstrip("\r\n") if from_stdin else make_password()


def _line(found: Account) -> str:
    districts = "every district" if found.districts is None else ",".join(found.districts) or "-"
    state = "disabled" if found.is_disabled else "must change password" if found.must_change else ""
    return f"{found.account_id:>5} {found.username:<20} {','.join(found.roles):<40} {districts:<20} {state}".rstrip()
