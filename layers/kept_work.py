"""What people keep for a layer under a title: queries and thematic styles."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import orjson
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from layers.errors import InvalidParameter, NotFound
from layers.store import Store

__all__ = ["KeptWork", "Kind", "UnknownWork", "delete_work", "find_work", "keep_work", "list_work"]

Kind = Literal["query", "theme"]
MOST_BYTES = 64 * 1024
MOST_KEPT = 500
_SELECT = ("SELECT w.work_id AS id, w.kind, w.layer, w.account_id, w.title, w.definition, w.is_shared, w.changed_at, a.display_name AS owner "
           "FROM gis.kept_work w JOIN gis.account a USING (account_id) ")


class UnknownWork(NotFound):
    """There is no such query or style, or it is somebody else's."""

    def __init__(self, number: int | str) -> None:
        super().__init__(f"There is nothing kept under the number {str(number)[:20]}.", "没有这个已保存的查询或样式，或不属于您。")


@dataclass(frozen=True)
class KeptWork:
    """A query (a list of conditions) or a thematic style, of one layer."""

    id: int
    kind: Kind
    layer: str
    account_id: int
    title: str
    definition: Any
    is_shared: bool
    changed_at: datetime
    owner: str | None


def keep_work(store: Store, account_id: int, kind: Kind, layer: str, title: str, definition: Any, is_shared: bool = False) -> KeptWork:
    """Keep a query or style; one of the same layer and title is replaced.

    Raises InvalidParameter for a title or a definition that is too long, and where the account keeps MOST_KEPT already.
    """
    plain = " ".join(title.split())
    if not 0 < len(plain) <= 80 or "\0" in plain:
        raise InvalidParameter("title", "has 1 to 80 characters and no NUL.", "须为 1 至 80 个字符，且不含空字符")
    written = orjson.dumps(definition)
    if len(written) > MOST_BYTES or b"\\u0000" in written:
        raise InvalidParameter("definition", f"has at most {MOST_BYTES} bytes and no NUL characters.", f"最多 {MOST_BYTES} 字节，且不含空字符")
    with store.write() as connection:
        row = connection.execute("SELECT count(*) FROM gis.kept_work WHERE account_id = %s", (account_id,)).fetchone()
        if row is not None and row[0] >= MOST_KEPT:
            raise InvalidParameter("title", f"an account keeps at most {MOST_KEPT}; delete some first.", f"每个账号最多保存 {MOST_KEPT} 个，请先删除一些")
        made = connection.execute(
            "INSERT INTO gis.kept_work (account_id, kind, layer, title, definition, is_shared) VALUES (%s, %s, %s, %s, %s, %s) "
            "ON CONFLICT (account_id, kind, layer, title) DO UPDATE SET definition = excluded.definition, is_shared = excluded.is_shared, "
            "changed_at = clock_timestamp() RETURNING work_id", (account_id, kind, layer, plain, Jsonb(definition), is_shared)).fetchone()
        assert made is not None
        with connection.cursor(row_factory=class_row(KeptWork)) as cursor:
            found = cursor.execute(_SELECT + "WHERE w.work_id = %s", (made[0],)).fetchone()
    assert found is not None
    return found


def list_work(store: Store, kind: Kind, account_id: int | None, layers: list[str]) -> list[KeptWork]:
    """Return what an account keeps for some layers, and of styles those that others share, by layer and title."""
    with store.read() as connection, connection.cursor(row_factory=class_row(KeptWork)) as cursor:
        return cursor.execute(_SELECT + "WHERE w.kind = %(kind)s AND w.layer = ANY (%(layers)s) AND (w.account_id = %(account)s OR w.is_shared) "
                              "ORDER BY w.layer, w.title, w.work_id LIMIT 1000", {"kind": kind, "layers": layers, "account": account_id}).fetchall()


def find_work(store: Store, kind: Kind, number: int, account_id: int | None) -> KeptWork:
    """Return a query or style that is one's own or shared. Raises UnknownWork."""
    with store.read() as connection, connection.cursor(row_factory=class_row(KeptWork)) as cursor:
        found = cursor.execute(_SELECT + "WHERE w.work_id = %s AND w.kind = %s AND (w.account_id = %s OR w.is_shared)", (number, kind, account_id)).fetchone()
    if found is None:
        raise UnknownWork(number)
    return found


def delete_work(store: Store, kind: Kind, number: int, account_id: int) -> None:
    """Forget one's own query or style. Raises UnknownWork."""
    with store.write() as connection:
        if connection.execute("DELETE FROM gis.kept_work WHERE work_id = %s AND kind = %s AND account_id = %s", (number, kind, account_id)).rowcount == 0:
            raise UnknownWork(number)
