"""Saved views: what somebody looked at, kept under a short name; private, for a role, or for everybody."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import orjson
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from layers.errors import Forbidden, InvalidParameter, NotFound
from layers.store import Store

__all__ = ["MOST_BYTES", "MOST_VIEWS", "SavedView", "Sharing", "UnknownView", "change_view", "delete_view", "find_view", "list_views",
           "save_view"]

Sharing = Literal["private", "role", "public"]
MOST_BYTES = 64 * 1024
MOST_VIEWS = 1_000
# Without the letters and digits that look alike when somebody reads a link from paper.
_LETTERS = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_SELECT = ("SELECT v.view_id AS id, v.title, v.sharing, v.role, v.state, v.created_at, v.changed_at, v.account_id, a.display_name AS owner "
           "FROM gis.saved_view v JOIN gis.account a USING (account_id) ")


class UnknownView(NotFound):
    """There is no such view, or not for this reader."""

    def __init__(self, view_id: str) -> None:
        super().__init__(f"There is no view '{view_id[:20]}'.", "没有这个视图，或您无权查看。")


@dataclass(frozen=True)
class SavedView:
    """A view under its short name. `state` is the client's; a view without a title is a link and stands in no list."""

    id: str
    title: str | None
    sharing: Sharing
    role: str | None
    state: dict[str, Any]
    created_at: datetime
    changed_at: datetime
    account_id: int
    owner: str | None


def _check(title: str | None, sharing: Sharing, role: str | None, state: dict[str, Any] | None, roles: Sequence[str]) -> str | None:
    plain = None if title is None else " ".join(title.split())
    if plain is not None and (not 0 < len(plain) <= 120 or "\0" in plain):
        raise InvalidParameter("title", "has 1 to 120 characters and no NUL.", "须为 1 至 120 个字符，且不含空字符。")
    if (sharing == "role") != (role is not None):
        raise InvalidParameter("role", "is given with the sharing 'role', and only with it.", "仅当共享方式为 role 时给出，且必须给出。")
    if role is not None and role not in roles:
        raise InvalidParameter("role", f"is one of your own: {', '.join(roles)}.", f"须为您自己的角色之一：{'、'.join(roles)}。")
    if state is not None and (len(orjson.dumps(state)) > MOST_BYTES or "\\u0000" in orjson.dumps(state).decode()):
        raise InvalidParameter("state", f"has at most {MOST_BYTES} bytes and no NUL characters.", f"最多 {MOST_BYTES} 字节，且不含空字符。")
    return plain


def save_view(store: Store, account_id: int, roles: Sequence[str], state: dict[str, Any], title: str | None = None,
              sharing: Sharing = "private", role: str | None = None) -> SavedView:
    """Keep a view and return it under its new name; a link to what is kept already is the link that there is.

    Parameters
    ----------
    roles
        The account's own roles: a view is shared with one of them.
    state
        At most MOST_BYTES as JSON.

    Raises InvalidParameter, also where the account has MOST_VIEWS already.
    """
    plain = _check(title, sharing, role, state, roles)
    with store.write() as connection:
        # Two clicks at once make one link.
        connection.execute("SELECT 1 FROM gis.account WHERE account_id = %s FOR UPDATE", (account_id,))
        if plain is None:
            found = connection.execute(
                "SELECT view_id FROM gis.saved_view WHERE account_id = %s AND title IS NULL AND sharing = %s AND role IS NOT DISTINCT FROM %s "
                "AND state = %s", (account_id, sharing, role, Jsonb(state))).fetchone()
            if found is not None:
                return _one(connection, found[0])
        row = connection.execute("SELECT count(*) FROM gis.saved_view WHERE account_id = %s", (account_id,)).fetchone()
        if row is not None and row[0] >= MOST_VIEWS:
            raise InvalidParameter("title", f"an account keeps at most {MOST_VIEWS} views; delete some first.",
                                   f"每个账号最多保存 {MOST_VIEWS} 个视图，请先删除一些。")
        view_id = "".join(secrets.choice(_LETTERS) for _ in range(10))
        connection.execute("INSERT INTO gis.saved_view (view_id, account_id, title, sharing, role, state) VALUES (%s, %s, %s, %s, %s, %s)",
                           (view_id, account_id, plain, sharing, role, Jsonb(state)))
        return _one(connection, view_id)


def _one(connection: Any, view_id: str) -> SavedView:
    with connection.cursor(row_factory=class_row(SavedView)) as cursor:
        found: SavedView | None = cursor.execute(_SELECT + "WHERE v.view_id = %s", (view_id,)).fetchone()
    if found is None:
        raise UnknownView(view_id)
    return found


def find_view(store: Store, view_id: str, account_id: int | None, roles: Sequence[str]) -> SavedView:
    """Return a view that is one's own, one's role's or everybody's. Raises UnknownView, also where it is somebody else's."""
    if "\0" in view_id:
        raise UnknownView("")
    with store.read() as connection:
        found = _one(connection, view_id)
    if found.account_id == account_id or found.sharing == "public" or (found.sharing == "role" and found.role in roles):
        return found
    raise UnknownView(view_id)


def list_views(store: Store, account_id: int, roles: Sequence[str]) -> list[SavedView]:
    """Return the bookmarks of an account and those shared with its roles, the newest first."""
    with store.read() as connection, connection.cursor(row_factory=class_row(SavedView)) as cursor:
        return cursor.execute(_SELECT + "WHERE v.title IS NOT NULL AND (v.account_id = %(account)s OR (v.sharing = 'role' AND v.role = ANY "
                              "(%(roles)s)) OR v.sharing = 'public') ORDER BY v.changed_at DESC, v.view_id LIMIT 500",
                              {"account": account_id, "roles": list(roles)}).fetchall()


def change_view(store: Store, view_id: str, account_id: int, roles: Sequence[str], changes: dict[str, Any]) -> SavedView:
    """Rename a view, share it otherwise, or keep another state under its name; `changes` holds title, sharing, role, state.

    Raises UnknownView, Forbidden for somebody else's, InvalidParameter.
    """
    found = find_view(store, view_id, account_id, roles)
    if found.account_id != account_id:
        raise Forbidden("Only who saved a view may change it.", "只有保存者本人可以修改该视图。")
    sharing = changes.get("sharing", found.sharing)
    role = changes.get("role", found.role if sharing == "role" else None)
    state = changes.get("state", found.state)
    title = _check(changes.get("title", found.title), sharing, role, state, roles)
    with store.write() as connection:
        connection.execute("UPDATE gis.saved_view SET title = %s, sharing = %s, role = %s, state = %s, changed_at = clock_timestamp() "
                           "WHERE view_id = %s", (title, sharing, role, Jsonb(state), view_id))
        return _one(connection, view_id)


def delete_view(store: Store, view_id: str, account_id: int, roles: Sequence[str]) -> None:
    """Forget a view. Raises UnknownView, Forbidden for somebody else's."""
    found = find_view(store, view_id, account_id, roles)
    if found.account_id != account_id:
        raise Forbidden("Only who saved a view may delete it.", "只有保存者本人可以删除该视图。")
    with store.write() as connection:
        connection.execute("DELETE FROM gis.saved_view WHERE view_id = %s", (view_id,))
