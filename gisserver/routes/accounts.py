"""`/api/accounts`: accounts, their roles and districts, for the security admin."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING

from pydantic import Field
from starlette.responses import Response
from starlette.routing import Route

from gisserver.endpoint import route
from gisserver.identity import Reader
from gisserver.request import Request
from gisserver.routes.bodies import Body, answer, done, number, read_body
from layers.accounts import Account, account, accounts, change_account, create_account, set_password
from layers.errors import Forbidden
from layers.keys import keys, revoke_key
from layers.passwords import make_password
from layers.sessions import end_session, sessions

if TYPE_CHECKING:
    from gisserver.context import Context

__all__ = ["routes"]


class NewAccount(Body):
    username: str
    display_name: str | None = None
    roles: list[str]
    districts: list[str] | None = Field(default_factory=list)
    locale: str | None = None


class Changes(Body):
    display_name: str | None = None
    roles: list[str] | None = None
    districts: list[str] | None = None
    locale: str | None = None
    is_disabled: bool | None = None


def _admin(request: Request) -> Reader:
    request.parameters.finish()
    reader: Reader = request.reader
    reader.require("manage_accounts")
    reader.require_person()
    return reader


def _within_reach(request: Request, names: Iterable[str]) -> None:
    """Refuse what only the machine may do: the other admins are not in the hand of this one."""
    roles = request.context.identity.roles.roles
    if alone := sorted(n for n in names if n in roles and roles[n].machine_only):
        raise Forbidden(f"Accounts with {', '.join(alone)} are made and changed on the machine only (gis user).",
                        f"{'、'.join(roles[n].title.zh for n in alone)}账号只能在服务器上用 gis user 建立和变更。")


def _reached(request: Request) -> Account:
    found = account(request.context.store, number(request))
    _within_reach(request, found.roles)
    return found


def list_roles(request: Request) -> Response:
    """Answer the roles that there are."""
    _admin(request)
    roles = request.context.identity.roles
    return answer({"roles": [{"role": name, "title": role.title.model_dump(), "description": role.description.model_dump(),
                              "capabilities": role.capabilities, "machine_only": role.machine_only}
                             for name, role in roles.roles.items() if name != roles.public],
                   "exclusive": roles.exclusive})


def list_accounts(request: Request) -> Response:
    """Answer all accounts."""
    _admin(request)
    return answer({"accounts": [asdict(found) for found in accounts(request.context.store)]})


def post_account(request: Request) -> Response:
    """Make an account with a random password, which is in this answer alone and must be changed at the first sign-in."""
    reader = _admin(request)
    body = read_body(request, NewAccount)
    _within_reach(request, body.roles)
    password = make_password()
    made = create_account(request.context.store, request.context.identity.roles, reader.acting(request.scope), body.username, password,
                          body.roles, body.districts, body.display_name, body.locale, must_change=True)
    return answer({**asdict(made), "password": password}, 201, {"Location": f"{request.base}/api/accounts/{made.account_id}"})


def get_account(request: Request) -> Response:
    """Answer one account with its sessions and keys."""
    _admin(request)
    store = request.context.store
    found = account(store, number(request))
    return answer({**asdict(found), "sessions": sessions(store, found.account_id), "keys": keys(store, found.account_id)})


def patch_account(request: Request) -> Response:
    """Change roles, districts or names of an account, or disable it. `districts` null is every district."""
    reader = _admin(request)
    found = _reached(request)
    body = read_body(request, Changes)
    given = {name: getattr(body, name) for name in body.model_fields_set
             if name in ("districts", "locale") or getattr(body, name) is not None}
    if "roles" in given:
        _within_reach(request, given["roles"])
        given["names"] = given.pop("roles")
    changed = change_account(request.context.store, request.context.identity.roles, reader.acting(request.scope), found.account_id, **given)
    request.context.identity.forget()
    return answer(asdict(changed))


def post_password(request: Request) -> Response:
    """Give an account a new random password, which must be changed at the next sign-in; its sessions end."""
    reader = _admin(request)
    found = _reached(request)
    if found.account_id == reader.account_id:
        raise Forbidden("Change your own password at /auth/password.", "请在 /auth/password 修改自己的密码。")
    password = make_password()
    set_password(request.context.store, reader.acting(request.scope), found.account_id, password)
    request.context.identity.forget()
    return answer({"password": password})


def delete_session(request: Request) -> Response:
    """End a session of an account."""
    reader = _admin(request)
    end_session(request.context.store, reader.acting(request.scope), number(request, "session"), number(request))
    request.context.identity.forget()
    return done()


def delete_key(request: Request) -> Response:
    """Revoke a key of an account."""
    reader = _admin(request)
    revoke_key(request.context.store, reader.acting(request.scope), number(request, "key"), number(request))
    request.context.identity.forget()
    return done()


def routes(context: Context) -> list[Route]:
    """Return the routes of accounts."""
    return [
        route(context, "/api/roles", list_roles),
        route(context, "/api/accounts", list_accounts),
        route(context, "/api/accounts", post_account, ("POST",)),
        route(context, "/api/accounts/{id}", get_account),
        route(context, "/api/accounts/{id}", patch_account, ("PATCH",)),
        route(context, "/api/accounts/{id}/password", post_password, ("POST",)),
        route(context, "/api/accounts/{id}/sessions/{session}", delete_session, ("DELETE",)),
        route(context, "/api/accounts/{id}/keys/{key}", delete_key, ("DELETE",)),
    ]
