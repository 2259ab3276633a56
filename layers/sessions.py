"""Sessions: a signed-in browser, known by a random token of which only the hash is kept."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg.rows import dict_row

from layers.accounts import Account
from layers.audit import Actor, act, append
from layers.errors import UnknownAccount
from layers.store import Store

__all__ = ["ABSOLUTE", "Credential", "IDLE", "Session", "credential_version", "csrf_token", "end_session", "find_session",
           "new_token", "open_session", "sessions", "token_hash", "touch_session"]

IDLE = timedelta(minutes=60)
ABSOLUTE = timedelta(hours=12)


@dataclass(frozen=True)
class Session:
    """A session that was just opened: the only time its token is there to be seen."""

    session_id: int
    token: str
    csrf: str
    expires_at: datetime


@dataclass(frozen=True)
class Credential:
    """What a session or a key says about a request: whose it is, and until when it holds.

    `layers` and `can_edit` narrow what a key may do; a session has all of its account. `is_due` asks for `touch_…`.
    """

    kind: str
    number: int
    account_id: int
    username: str
    display_name: str
    roles: tuple[str, ...]
    districts: tuple[str, ...] | None
    locale: str | None
    must_change: bool
    holds_until: datetime
    is_due: bool
    layers: tuple[str, ...] | None = None
    can_edit: bool = True


def new_token() -> str:
    """Return 256 random bits as 43 characters that fit a header, a cookie and an address."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> bytes:
    """Return what is kept of a token. A fast hash is right here: there is nothing to guess in 256 random bits."""
    return hashlib.sha256(token.encode()).digest()


def csrf_token(token: str) -> str:
    """Return the token that a page must send beside the cookie: only who can read our answers knows it."""
    return base64.urlsafe_b64encode(hmac.digest(token.encode(), b"csrf", "sha256")).rstrip(b"=").decode()


def open_session(store: Store, account: Account, actor: Actor, agent: str | None = None, replaces: str | None = None) -> Session:
    """Open a session of an account whose password was right; always with a new token, the one it replaces is ended."""
    token = new_token()
    with act(store, actor) as connection:
        append(connection, "login")
        if replaces:
            connection.execute("UPDATE gis.session SET ended_at = clock_timestamp() WHERE token_hash = %s AND ended_at IS NULL",
                               (token_hash(replaces),))
        row = connection.execute("SELECT session_id, expires_at FROM gis.open_session(%s, %s, %s, %s, %s, %s)",
                                 (account.account_id, token_hash(token), IDLE, ABSOLUTE, actor.address, (agent or "")[:200])).fetchone()
    assert row is not None
    return Session(row[0], token, csrf_token(token), row[1])


def find_session(store: Store, hashed: bytes) -> Credential | None:
    """Return what a session's token stands for; None if it does not hold (any more)."""
    with store.read() as connection, connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute("SELECT * FROM gis.find_session(%s)", (hashed,)).fetchone()
    return None if row is None else credential("session", row.pop("session_id"), row)


def credential(kind: str, number: int, row: dict[str, Any]) -> Credential:
    """Make a credential from a row of `gis.find_session` or `gis.find_key`."""
    for name in ("roles", "districts", "layers"):
        if row.get(name) is not None:
            row[name] = tuple(row[name])
    return Credential(kind=kind, number=number, **{"must_change": False, **row})


def touch_session(store: Store, session_id: int) -> None:
    """Say that a session is in use, which puts off its idle end."""
    with store.write() as connection:
        connection.execute("UPDATE gis.session SET seen_at = clock_timestamp() WHERE session_id = %s AND ended_at IS NULL", (session_id,))


def sessions(store: Store, account_id: int) -> list[dict[str, Any]]:
    """Return an account's open sessions, the one used last first: id, created_at, seen_at, expires_at, address, agent."""
    with store.read() as connection, connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            "SELECT session_id AS id, created_at, seen_at, expires_at, address, agent FROM gis.session "
            "WHERE account_id = %s AND ended_at IS NULL AND least(expires_at, seen_at + idle) > clock_timestamp() "
            "ORDER BY seen_at DESC", (account_id,)).fetchall()


def end_session(store: Store, actor: Actor, session_id: int, account_id: int, event: str = "session_ended") -> None:
    """End a session of an account (`event` 'logout' where it is the one in use). Raises UnknownAccount where there is none."""
    with act(store, actor) as connection:
        append(connection, event, detail={"session": session_id, "account": account_id})
        ended = connection.execute("UPDATE gis.session SET ended_at = clock_timestamp() WHERE session_id = %s AND account_id = %s "
                                   "AND ended_at IS NULL", (session_id, account_id)).rowcount
        if not ended:
            raise UnknownAccount(f"There is no session {session_id}.")


def credential_version(store: Store) -> int:
    """Return the count of all changes of what credentials are worth."""
    with store.read() as connection:
        row = connection.execute("SELECT version FROM gis.credential_state").fetchone()
    return row[0] if row else 0
