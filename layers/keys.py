"""API keys: for programs and GIS clients; of an account, for some of its layers, until a day. Only their hash is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg.rows import dict_row

from layers.audit import Actor, act
from layers.errors import InvalidParameter, UnknownAccount
from layers.sessions import Credential, credential, new_token, token_hash
from layers.store import Store

__all__ = ["LONGEST_DAYS", "PREFIX", "create_key", "find_key", "keys", "revoke_key", "touch_key"]

PREFIX = "gisk_"
LONGEST_DAYS = 730
LISTED = """
SELECT k.key_id AS id, k.prefix, k.title, a.username, k.account_id, k.layers, k.can_edit, k.created_at, k.expires_at, k.used_at
FROM gis.api_key k JOIN gis.account a USING (account_id)
WHERE k.ended_at IS NULL AND k.expires_at > clock_timestamp()
  AND (%(account_id)s::bigint IS NULL OR k.account_id = %(account_id)s) AND (%(key_id)s::bigint IS NULL OR k.key_id = %(key_id)s)
ORDER BY k.key_id DESC
"""


def create_key(store: Store, actor: Actor, account_id: int, title: str, layers: Sequence[str] | None = None, days: int = 90,
               can_edit: bool = False) -> tuple[str, dict[str, Any]]:
    """Make a key and return it with its description; the key itself is never to be had again.

    Parameters
    ----------
    layers
        What it opens of the account's layers; None is all of them.
    days
        How long it holds, 1 to 730.

    Raises InvalidParameter.
    """
    plain = " ".join(title.split())
    if not 0 < len(plain) <= 80:
        raise InvalidParameter("title", "has 1 to 80 characters", "须为 1 至 80 个字符")
    if not 1 <= days <= LONGEST_DAYS:
        raise InvalidParameter("days", f"is 1 to {LONGEST_DAYS}", f"须为 1 至 {LONGEST_DAYS}")
    secret = new_token()
    # What is shown of a key later, so that people tell theirs apart, is random of its own: nothing of the secret.
    key = f"{PREFIX}{new_token()[:6]}_{secret}"
    prefix = key[:len(PREFIX) + 6]
    with act(store, actor) as connection:
        row = connection.execute(
            "INSERT INTO gis.api_key (secret_hash, prefix, title, account_id, layers, can_edit, expires_at) "
            "VALUES (%s, %s, %s, %s, %s, %s, %s) RETURNING key_id",
            (token_hash(key), prefix, plain, account_id, None if layers is None else sorted(set(layers)), can_edit,
             datetime.now(UTC) + timedelta(days=days))).fetchone()
    assert row is not None
    return key, _described(store, {"key_id": row[0]})[0]


def keys(store: Store, account_id: int | None = None) -> list[dict[str, Any]]:
    """Return the keys that hold, of one account or of all, newest first; never the keys themselves."""
    return _described(store, {"account_id": account_id})


def _described(store: Store, which: Mapping[str, int | None]) -> list[dict[str, Any]]:
    with store.read() as connection, connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(LISTED, {"account_id": None, "key_id": None, **which}).fetchall()


def revoke_key(store: Store, actor: Actor, key_id: int, account_id: int | None = None) -> None:
    """End a key; with `account_id` only if it is that account's. Raises UnknownAccount where there is none."""
    with act(store, actor) as connection:
        ended = connection.execute(
            "UPDATE gis.api_key SET ended_at = clock_timestamp() WHERE key_id = %(key)s AND ended_at IS NULL "
            "AND (%(account)s::bigint IS NULL OR account_id = %(account)s)", {"key": key_id, "account": account_id}).rowcount
        if not ended:
            raise UnknownAccount(f"There is no key {key_id}.")


def find_key(store: Store, hashed: bytes) -> Credential | None:
    """Return what a key stands for; None if it does not hold (any more)."""
    with store.read() as connection, connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute("SELECT * FROM gis.find_key(%s)", (hashed,)).fetchone()
    return None if row is None else credential("key", row.pop("key_id"), row)


def touch_key(store: Store, key_id: int) -> None:
    """Say that a key was used."""
    with store.write() as connection:
        connection.execute("UPDATE gis.api_key SET used_at = clock_timestamp() WHERE key_id = %s", (key_id,))
