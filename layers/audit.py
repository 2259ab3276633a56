"""The audit: who signed in, opened personal data, exported, edited or changed permissions; appended only, chained by hashes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from layers.layer import Text
from layers.store import Store

__all__ = ["Actor", "EVENTS", "Verdict", "act", "entries", "record", "verify"]

# Every kind of entry. Edits, definitions, accounts and keys are written by triggers, so that plain SQL is in the audit too.
EVENTS: dict[str, Text] = {
    "login": Text(zh="登录", en="Signed in, or failed to"),
    "locked": Text(zh="多次失败后锁定", en="Locked after failures"),
    "logout": Text(zh="退出", en="Signed out"),
    "session_ended": Text(zh="结束他人或其他会话", en="Ended another session"),
    "password_changed": Text(zh="修改密码", en="Changed a password"),
    "account_created": Text(zh="新建账号", en="Made an account"),
    "account_changed": Text(zh="变更账号权限", en="Changed an account's permissions"),
    "account_deleted": Text(zh="删除账号", en="Deleted an account"),
    "key_created": Text(zh="新建密钥", en="Made a key"),
    "key_changed": Text(zh="变更密钥", en="Changed a key"),
    "key_revoked": Text(zh="吊销密钥", en="Revoked a key"),
    "personal_opened": Text(zh="查阅个人信息", en="Opened personal data"),
    "export": Text(zh="导出数据", en="Exported data"),
    "edit": Text(zh="编辑数据", en="Edited data"),
    "host_allowed": Text(zh="允许访问外部主机", en="Allowed a host of others"),
    "host_forbidden": Text(zh="禁止访问外部主机", en="Forbade a host of others"),
    "layer_defined": Text(zh="变更图层定义", en="Changed a layer's definition"),
    "audit_read": Text(zh="查阅审计记录", en="Read the audit"),
}


@dataclass(frozen=True)
class Actor:
    """Who does something: the name of the account (or of the command), and where the request came from."""

    name: str
    account_id: int | None = None
    address: str | None = None
    request_id: str | None = None


@dataclass(frozen=True)
class Verdict:
    """What a walk along the chain found. `broken_id` is the first row that is not as it was written, None if all are."""

    rows: int
    head_id: int
    head_hash: str
    broken_id: int | None = None
    problem: str | None = None


@contextmanager
def act(store: Store, actor: Actor, **settings: str) -> Iterator[psycopg.Connection]:
    """Give a transaction whose entries in the audit, also those of triggers, name the actor."""
    values = {"actor": actor.name, "account_id": actor.account_id, "address": actor.address, "request_id": actor.request_id}
    with store.write() as connection:
        for name, value in {**values, **settings}.items():
            if value is not None:
                connection.execute("SELECT set_config(%s, %s, true)", (f"gis.{name}", str(value)))
        yield connection


def append(connection: psycopg.Connection, event: str, *, layer: str | None = None, fid: int | None = None, seq: int | None = None,
           reason: str | None = None, succeeded: bool = True, detail: Mapping[str, Any] | None = None) -> None:
    """Write an entry in a transaction given by `act`."""
    if event not in EVENTS:
        raise ValueError(f"'{event}' is no event of the audit")
    connection.execute(
        "SELECT gis.audit_append(%(event)s, p_layer => %(layer)s, p_fid => %(fid)s, p_seq => %(seq)s, p_reason => %(reason)s, "
        "p_succeeded => %(succeeded)s, p_detail => %(detail)s)",
        {"event": event, "layer": layer, "fid": fid, "seq": seq, "reason": reason, "succeeded": succeeded,
         "detail": Jsonb(dict(detail or {}))})


def record(store: Store, actor: Actor, event: str, **entry: Any) -> None:
    """Write one entry (members as in `append`) in a transaction of its own."""
    with act(store, actor) as connection:
        append(connection, event, **entry)


def entries(store: Store, filters: Mapping[str, str | int | bool | datetime | None], limit: int = 100) -> list[dict[str, Any]]:
    """Return entries, newest first.

    Parameters
    ----------
    filters
        Any of event, actor, account_id, layer, fid, seq, succeeded, from, to (times), before (an id: the page after it).
    """
    given = {k: v.isoformat() if isinstance(v, datetime) else v for k, v in filters.items() if v is not None}
    with store.read() as connection, connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute("SELECT id, at, event, actor, account_id, address, request_id, layer, fid, seq, reason, succeeded, detail, "
                       "encode(hash, 'hex') AS hash FROM gis.audit_rows(%s, %s)", (Jsonb(given), limit))
        return cursor.fetchall()


def verify(store: Store, expected: Sequence[tuple[int, str]] = ()) -> Verdict:
    """Walk the whole chain.

    Parameters
    ----------
    expected
        (id, hash in hex) that were noted elsewhere: who can rewrite the whole database can rewrite the whole chain, but not
        what an auditor wrote down.
    """
    with store.connect() as connection:
        row = connection.execute("SELECT row_count, head_id, encode(head_hash, 'hex'), broken_id, problem FROM gis.audit_verify()").fetchone()
        assert row is not None
        verdict = Verdict(row[0], row[1] or 0, row[2] or "", row[3], row[4])
        for entry_id, digest in sorted(expected):
            found = connection.execute("SELECT encode(hash, 'hex') FROM gis.audit WHERE id = %s", (entry_id,)).fetchone()
            if (found is None or found[0] != digest.lower()) and (verdict.broken_id is None or entry_id < verdict.broken_id):
                problem = "it is missing" if found is None else "its hash is not the one that was noted"
                verdict = Verdict(**{**asdict(verdict), "broken_id": entry_id, "problem": problem})
    return verdict
