"""Services of others: the hosts that may be asked, the layers that were added from them, and who keeps which."""

from __future__ import annotations

import hashlib
import ipaddress
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import orjson
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from layers.audit import Actor, act
from layers.errors import InvalidParameter, NotFound
from layers.store import Store

__all__ = ["OutsideHost", "OutsideLayer", "UnknownHost", "UnknownOutsideLayer", "allow_host", "find_outside_layer", "forbid_host", "forget_outside_layer",
           "keep_outside_layer", "kept_outside_layers", "outside_hosts", "read_origin"]

MOST_HOSTS = 500
MOST_KEPT = 200
MOST_MADE = 2000
MOST_BYTES = 32 * 1024
LONGEST_ADDRESS = 4000
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?\Z")
# Browsers and resolvers read a name whose last part is a number (127.1, 0x7f000001, 2130706433) as an address.
_NUMBER = re.compile(r"([0-9]+|0x[0-9a-f]*)\Z")
_STANDARD_PORT = {"http": 80, "https": 443}
_HOST = "SELECT host_id AS id, origin, title, is_private, for_everyone, allowed_by, allowed_at FROM gis.outside_host "
_LAYER = "SELECT l.layer_id AS id, l.origin, l.definition FROM gis.outside_layer l "


class UnknownHost(NotFound):
    """There is no such host on the list."""

    def __init__(self, host: str) -> None:
        super().__init__(f"'{host[:200]}' is not on the list of allowed hosts.", f"“{host[:200]}”不在允许的主机名单中。")


class UnknownOutsideLayer(NotFound):
    """There is no such layer of another service, or not for this reader."""

    def __init__(self) -> None:
        super().__init__("There is no such layer of another service, or not for you; add it again from its service's address.",
                         "没有这个外部图层，或您无权查看；可用其服务地址重新添加。")


@dataclass(frozen=True)
class OutsideHost:
    """A host that the server may ask: `origin` is scheme, name and port, exactly.

    `is_private` lets its name lead into the operator's own network; `for_everyone` shows its layers to readers without an account.
    """

    id: int
    origin: str
    title: str | None
    is_private: bool
    for_everyone: bool
    allowed_by: str
    allowed_at: datetime


@dataclass(frozen=True)
class OutsideLayer:
    """A layer of another service; what its definition says is known to `gisserver.outside`."""

    id: str
    origin: str
    definition: dict[str, Any]


def read_origin(address: str, parameter: str = "url") -> str:
    """Return scheme, host and port of an address, written in one way: `https://maps.example.org`, `http://10.1.2.3:8080`.

    A name without a scheme means https. Raises InvalidParameter for anything that could be read in two ways: user and password,
    backslashes, white space, numbers that resolvers take for addresses, ports out of range.
    """
    text = address if "://" in address else f"https://{address}"
    if len(text) > LONGEST_ADDRESS or any(ord(c) <= 0x20 or ord(c) == 0x7f or c == "\\" for c in text):
        raise _refused(parameter, f"has at most {LONGEST_ADDRESS} characters and no spaces, control characters or backslashes.",
                       f"最多 {LONGEST_ADDRESS} 个字符，且不含空格、控制字符或反斜杠。")
    try:
        parts = urlsplit(text)
        port, name = parts.port, parts.hostname or ""
    except ValueError:
        raise _refused(parameter, "is not a web address that can be read.", "不是可识别的网址。") from None
    if parts.scheme not in _STANDARD_PORT:
        raise _refused(parameter, "begins with http:// or https://.", "须以 http:// 或 https:// 开头。")
    if "@" in parts.netloc:
        raise _refused(parameter, "carries no user or password; they would be sent in the open. Keys of services belong in upstreams.yaml.",
                       "不得带用户名或密码，否则会明文传送；服务密钥请由管理员配置在 upstreams.yaml。")
    if port == 0 or parts.netloc.endswith(":"):
        raise _refused(parameter, "has a port of 1 to 65535, or none.", "端口须为 1 至 65535，或省略。")
    host = _host_name(name, "[" in parts.netloc, parameter)
    return f"{parts.scheme}://{host}" + ("" if port in (None, _STANDARD_PORT[parts.scheme]) else f":{port}")


def _host_name(name: str, is_bracketed: bool, parameter: str) -> str:
    if is_bracketed:
        try:
            return f"[{ipaddress.IPv6Address(name).compressed}]" if "%" not in name else _wrong_name(parameter)
        except ValueError:
            return _wrong_name(parameter)
    plain = name.removesuffix(".").lower()
    if not plain.isascii():
        try:
            plain = plain.encode("idna").decode("ascii")
        except UnicodeError:
            return _wrong_name(parameter)
    labels = plain.split(".")
    if _NUMBER.match(labels[-1]):
        try:
            return str(ipaddress.IPv4Address(plain))
        except ValueError:
            return _wrong_name(parameter)
    return plain if len(plain) <= 253 and all(_LABEL.match(label) for label in labels) else _wrong_name(parameter)


def _wrong_name(parameter: str) -> str:
    raise _refused(parameter, "names a host: maps.example.org, 10.1.2.3 or [2001:db8::1], with a port after a colon where needed.",
                   "须含主机名：如 maps.example.org、10.1.2.3 或 [2001:db8::1]，必要时加冒号和端口。")


def _refused(parameter: str, english: str, chinese: str) -> InvalidParameter:
    return InvalidParameter(parameter, english, chinese)


def outside_hosts(store: Store) -> list[OutsideHost]:
    """Return the hosts that may be asked, by origin."""
    with store.read() as connection, connection.cursor(row_factory=class_row(OutsideHost)) as cursor:
        return cursor.execute(_HOST + "ORDER BY origin").fetchall()


def allow_host(store: Store, actor: Actor, address: str, title: str | None = None, is_private: bool = False, for_everyone: bool = False) -> OutsideHost:
    """Let the server ask a host; one that is on the list is changed.

    Raises InvalidParameter for an address that is none, or is more than scheme, host and port, and where the list is full.
    """
    origin = read_origin(address, "origin")
    parts = urlsplit(address if "://" in address else f"https://{address}")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise _refused("origin", f"is scheme, host and port alone: {origin}.", f"只含协议、主机和端口：{origin}。")
    plain = None if title is None else " ".join(title.split()) or None
    if plain is not None and (len(plain) > 120 or "\0" in plain):
        raise _refused("title", "has at most 120 characters and no NUL.", "最多 120 个字符，且不含空字符。")
    with act(store, actor) as connection:
        row = connection.execute("SELECT count(*) FROM gis.outside_host WHERE origin <> %s", (origin,)).fetchone()
        if row is not None and row[0] >= MOST_HOSTS:
            raise _refused("origin", f"the list has {MOST_HOSTS} hosts already; forbid some first.", f"名单已有 {MOST_HOSTS} 个主机，请先移除一些。")
        connection.execute(
            "INSERT INTO gis.outside_host (origin, title, is_private, for_everyone) VALUES (%s, %s, %s, %s) ON CONFLICT (origin) DO UPDATE SET "
            "title = excluded.title, is_private = excluded.is_private, for_everyone = excluded.for_everyone", (origin, plain, is_private, for_everyone))
        with connection.cursor(row_factory=class_row(OutsideHost)) as cursor:
            made = cursor.execute(_HOST + "WHERE origin = %s", (origin,)).fetchone()
    assert made is not None
    return made


def forbid_host(store: Store, actor: Actor, host: int | str) -> str:
    """Take a host from the list, by its number or its address; return its origin. What came from it is shown no more. Raises UnknownHost."""
    with act(store, actor) as connection:
        number, origin = (host, None) if isinstance(host, int) else (None, read_origin(host, "origin"))
        row = connection.execute("DELETE FROM gis.outside_host WHERE host_id = %s OR origin = %s RETURNING origin", (number, origin)).fetchone()
    if row is None:
        raise UnknownHost(str(host))
    return str(row[0])


def keep_outside_layer(store: Store, account_id: int, origin: str, definition: dict[str, Any]) -> OutsideLayer:
    """Name a layer of another service and keep it for an account.

    Parameters
    ----------
    definition
        What the layer is, made by the server from what the service says of itself. The same definition is the same layer.

    Raises InvalidParameter where it is too large, and where the account keeps MOST_KEPT already.
    """
    written = orjson.dumps(definition, option=orjson.OPT_SORT_KEYS)
    if len(written) > MOST_BYTES or b"\\u0000" in written:
        raise InvalidParameter("layer", f"its description has at most {MOST_BYTES} bytes and no NUL characters.", f"图层描述最多 {MOST_BYTES} 字节，且不含空字符")
    layer_id = f"out_{hashlib.sha256(written).hexdigest()[:20]}"
    with store.write() as connection:
        connection.execute("SELECT 1 FROM gis.account WHERE account_id = %s FOR UPDATE", (account_id,))
        row = connection.execute("SELECT count(*) FROM gis.outside_kept WHERE account_id = %s AND layer_id <> %s", (account_id, layer_id)).fetchone()
        if row is not None and row[0] >= MOST_KEPT:
            raise InvalidParameter("layer", f"an account keeps at most {MOST_KEPT} layers of other services; forget some first.",
                                   f"每个账号最多保存 {MOST_KEPT} 个外部图层，请先移除一些")
        # What was made stays, since links may name it; so there has to be an end to it.
        row = connection.execute("SELECT count(*) FROM gis.outside_layer WHERE made_by = %s AND layer_id <> %s", (account_id, layer_id)).fetchone()
        if row is not None and row[0] >= MOST_MADE:
            raise InvalidParameter("layer", f"an account makes at most {MOST_MADE} layers of other services.", f"每个账号最多添加 {MOST_MADE} 个外部图层")
        connection.execute("INSERT INTO gis.outside_layer (layer_id, origin, definition, made_by) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
                           (layer_id, origin, Jsonb(definition), account_id))
        connection.execute("INSERT INTO gis.outside_kept (account_id, layer_id) VALUES (%s, %s) ON CONFLICT DO NOTHING", (account_id, layer_id))
    return OutsideLayer(layer_id, origin, definition)


def find_outside_layer(store: Store, layer_id: str) -> OutsideLayer:
    """Return a layer of another service by its name. Raises UnknownOutsideLayer."""
    if not re.fullmatch(r"out_[0-9a-f]{20}", layer_id):
        raise UnknownOutsideLayer
    with store.read() as connection, connection.cursor(row_factory=class_row(OutsideLayer)) as cursor:
        found = cursor.execute(_LAYER + "WHERE l.layer_id = %s", (layer_id,)).fetchone()
    if found is None:
        raise UnknownOutsideLayer
    return found


def kept_outside_layers(store: Store, account_id: int) -> list[OutsideLayer]:
    """Return the layers that an account keeps, the newest first."""
    with store.read() as connection, connection.cursor(row_factory=class_row(OutsideLayer)) as cursor:
        return cursor.execute(_LAYER + "JOIN gis.outside_kept k USING (layer_id) WHERE k.account_id = %s ORDER BY k.kept_at DESC, l.layer_id",
                              (account_id,)).fetchall()


def forget_outside_layer(store: Store, account_id: int, layer_id: str) -> None:
    """Keep a layer no more; links to it go on. Raises UnknownOutsideLayer where the account does not keep it."""
    with store.write() as connection:
        if connection.execute("DELETE FROM gis.outside_kept WHERE account_id = %s AND layer_id = %s", (account_id, layer_id)).rowcount == 0:
            raise UnknownOutsideLayer
