"""`/auth`: sign in and out, who am I, my password, my sessions."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic import Field
from starlette.responses import Response
from starlette.routing import Route

from gisserver.credentials import clear_cookie, session_cookie
from gisserver.endpoint import route
from gisserver.identity import Reader
from gisserver.request import Request
from gisserver.routes import accounts, audit, keys
from gisserver.routes.bodies import Body, answer, done, number, read_body
from layers.accounts import Account, account, change_account, change_password, check_password
from layers.audit import Actor
from layers.errors import Forbidden
from layers.sessions import end_session, open_session, sessions

if TYPE_CHECKING:
    from gisserver.context import Context

__all__ = ["routes"]

# Comparing a password costs 50 ms and 32 MiB: sign-ins wait for each other, and for nobody else's threads.
LOGIN_THREADS = 2


class Login(Body):
    username: str = Field(min_length=1, max_length=200)
    password: str = Field(min_length=1, max_length=1000)


class NewPassword(Body):
    old_password: str = Field(max_length=1000)
    new_password: str = Field(max_length=1000)


class Preferences(Body):
    display_name: str | None = None
    locale: str | None = None


def login(request: Request) -> Response:
    """Open a session. The answer names the reader and the CSRF token, the cookie goes along."""
    request.parameters.finish()
    _from_own_pages(request)
    body = read_body(request, Login)
    context = request.context
    address, request_id = request.reader.acting(request.scope).address, request.scope["state"].get("request_id")
    found = check_password(context.store, body.username, body.password, address, request_id)
    presented = request.scope["state"]["presented"]
    replaced = presented.token if presented is not None and presented.kind == "session" else None
    actor = Actor(found.username, found.account_id, address, request_id)
    session = open_session(context.store, found, actor, request.header("user-agent"), replaced)
    context.identity.forget(presented)
    document = {**_described(request, found), "csrf": session.csrf, "expires_at": session.expires_at,
                "capabilities": [] if found.must_change else sorted(context.identity.roles.capabilities(found.roles))}
    return answer(document, headers={"Set-Cookie": session_cookie(session.token, _is_secure(request))})


def logout(request: Request) -> Response:
    """End the session in use; also without one, the browser forgets its cookie."""
    request.parameters.finish()
    reader = request.reader
    if reader.kind == "session":
        end_session(request.context.store, reader.acting(request.scope), reader.number, reader.account_id, "logout")
        request.context.identity.forget(request.scope["state"]["presented"])
    return done({"Set-Cookie": clear_cookie(_is_secure(request))})


def me(request: Request) -> Response:
    """Answer who is asking, with what permissions."""
    request.parameters.finish()
    reader: Reader = request.reader
    if reader.is_public:
        return answer({"account": None, "kind": "public", "capabilities": [], "csrf": None, "expires_at": None})
    found = account(request.context.store, reader.actor)
    return answer({**_described(request, found), "kind": reader.kind, "csrf": reader.csrf, "expires_at": reader.holds_until,
                   "capabilities": sorted(reader.capabilities)})


def change_me(request: Request) -> Response:
    """Change one's own name to be shown and language."""
    request.parameters.finish()
    reader: Reader = request.reader
    account_id = reader.require_person()
    body = read_body(request, Preferences)
    given = {name: getattr(body, name) for name in body.model_fields_set if not (name == "display_name" and body.display_name is None)}
    changed = change_account(request.context.store, request.context.identity.roles, reader.acting(request.scope), account_id, **given)
    request.context.identity.forget()
    return answer(_described(request, changed))


def password(request: Request) -> Response:
    """Change one's own password; all other sessions end."""
    request.parameters.finish()
    reader: Reader = request.reader
    reader.require_person()
    body = read_body(request, NewPassword)
    change_password(request.context.store, reader.acting(request.scope), body.old_password, body.new_password, reader.number)
    request.context.identity.forget()
    return done()


def list_sessions(request: Request) -> Response:
    """Answer one's own open sessions."""
    request.parameters.finish()
    reader: Reader = request.reader
    found = sessions(request.context.store, reader.require_person())
    return answer({"sessions": [{**session, "is_current": session["id"] == reader.number} for session in found]})


def delete_session(request: Request) -> Response:
    """End one of one's own sessions."""
    request.parameters.finish()
    reader: Reader = request.reader
    end_session(request.context.store, reader.acting(request.scope), number(request), reader.require_person())
    request.context.identity.forget()
    return done()


def routes(context: Context) -> list[Route]:
    """Return every route about who may: `/auth`, accounts and the audit."""
    logins = ThreadPoolExecutor(LOGIN_THREADS, "login")
    return [
        route(context, "/auth/login", login, ("POST",), logins),
        route(context, "/auth/logout", logout, ("POST",)),
        route(context, "/auth/me", me),
        route(context, "/auth/me", change_me, ("PATCH",)),
        route(context, "/auth/password", password, ("POST",), logins),
        route(context, "/auth/sessions", list_sessions),
        route(context, "/auth/sessions/{id}", delete_session, ("DELETE",)),
        *keys.routes(context), *accounts.routes(context), *audit.routes(context),
    ]


def _described(request: Request, found: Account) -> dict[str, Any]:
    roles = request.context.identity.roles.roles
    hidden = ("is_disabled", "created_at", "changed_at")
    return {"account": {k: v for k, v in asdict(found).items() if k not in hidden} | {
        "roles": [{"role": name, "title": roles[name].title.model_dump()} for name in found.roles if name in roles]}}


def _is_secure(request: Request) -> bool:
    return request.base.startswith("https://")


def _from_own_pages(request: Request) -> None:
    # Somebody else's page must not sign a browser in to an account of its own choice.
    site = request.header("sec-fetch-site")
    origin = request.header("origin")
    if site is not None and site not in ("same-origin", "none"):
        raise Forbidden("Sign in from the service's own pages.", "请从本服务的页面登录。")
    if site is None and origin is not None and urlsplit(origin).netloc != urlsplit(request.base).netloc:
        raise Forbidden("Sign in from the service's own pages.", "请从本服务的页面登录。")
