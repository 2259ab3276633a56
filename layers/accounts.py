"""Accounts: who may sign in, with which roles and for which districts."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from layers import passwords
from layers.audit import Actor, act, append, record
from layers.errors import Forbidden, InvalidParameter, NotAuthenticated, UnknownAccount
from layers.layer import Layer
from layers.roles import Roles
from layers.store import Store

__all__ = ["Account", "SignInLocked", "SignInRefused", "account", "accounts", "bootstrap_accounts", "change_account",
           "change_password", "check_password", "create_account", "fullest_district", "set_password"]

USERNAME = re.compile(r"^[a-z0-9\u4e00-\u9fff][a-z0-9\u4e00-\u9fff_.@-]{1,62}$")
SELECT = ("SELECT account_id, username, display_name, roles, districts, locale, must_change, disabled_at IS NOT NULL AS is_disabled, "
          "created_at, changed_at, last_login_at FROM gis.account ")
KEEP: Any = object()


class SignInRefused(NotAuthenticated):
    """The user name or the password is wrong; which of them is not told."""

    def __init__(self) -> None:
        super().__init__("The user name or the password is wrong.")


class SignInLocked(NotAuthenticated):
    """Too many failures for this name, whether there is such an account or not."""

    def __init__(self, until: datetime) -> None:
        self.retry_after_s = max(1, round((until - datetime.now(UTC)).total_seconds()))
        self.headers = {"Retry-After": str(self.retry_after_s)}
        super().__init__(f"Too many failures; try again in {self.retry_after_s} seconds.")

    def details(self) -> dict[str, Any]:
        return {"retry_after_s": self.retry_after_s}


@dataclass(frozen=True)
class Account:
    """An account. `districts` None is every district; `must_change` was given a password by somebody else."""

    account_id: int
    username: str
    display_name: str
    roles: list[str]
    districts: list[str] | None
    locale: str | None
    must_change: bool
    is_disabled: bool
    created_at: datetime
    changed_at: datetime
    last_login_at: datetime | None


def accounts(store: Store) -> list[Account]:
    """Return all accounts by name."""
    with store.read() as connection, connection.cursor(row_factory=class_row(Account)) as cursor:
        return cursor.execute(SELECT + "ORDER BY username").fetchall()


def account(store: Store, which: int | str) -> Account:
    """Return an account by its number or user name. Raises UnknownAccount."""
    number, name = (which, None) if isinstance(which, int) else (None, _username(which))
    with store.read() as connection, connection.cursor(row_factory=class_row(Account)) as cursor:
        found = cursor.execute(SELECT + "WHERE account_id = %s OR username = %s", (number, name)).fetchone()
    if found is None:
        raise UnknownAccount(f"There is no account '{which}'.")
    return found


def create_account(store: Store, roles: Roles, actor: Actor, username: str, password: str, names: Sequence[str],
                   districts: Sequence[str] | None = (), display_name: str | None = None, locale: str | None = None,
                   must_change: bool = False) -> Account:
    """Make an account.

    Parameters
    ----------
    names
        Its roles.
    districts
        Codes of the districts that limit it where a role is limited by district; None is every district.

    Raises InvalidParameter for a taken or unusable name, a weak password, unknown or exclusive roles.
    """
    plain = _username(username)
    if not USERNAME.match(plain):
        raise InvalidParameter("username", "has 2 to 63 letters, digits or Chinese characters, also . _ - @ after the first",
                               "须为 2 至 63 个字母、数字、汉字或 . _ - @")
    passwords.check_strength(password, plain)
    values = {"username": plain, "display_name": _display_name(display_name or username), "roles": list(roles.combination(names)),
              "hash": passwords.hash_password(password), "districts": _districts(districts), "locale": _locale(locale),
              "must_change": must_change}
    try:
        with act(store, actor) as connection:
            connection.execute(
                "INSERT INTO gis.account (username, display_name, password_hash, roles, districts, locale, must_change) "
                "VALUES (%(username)s, %(display_name)s, %(hash)s, %(roles)s, %(districts)s, %(locale)s, %(must_change)s)", values)
    except psycopg.errors.UniqueViolation:
        raise InvalidParameter("username", f"'{plain}' is taken", "用户名已被使用") from None
    return account(store, plain)


def change_account(store: Store, roles: Roles, actor: Actor, account_id: int, *, names: Sequence[str] = KEEP,
                   districts: Sequence[str] | None = KEEP, display_name: str = KEEP, locale: str | None = KEEP,
                   is_disabled: bool = KEEP) -> Account:
    """Change roles, districts or names of an account, or disable it, which ends its sessions and keys at once.

    Raises UnknownAccount, InvalidParameter; Forbidden where an actor would change their own permissions.
    """
    if actor.account_id == account_id and not (names is KEEP and districts is KEEP and is_disabled is KEEP):
        raise Forbidden("Nobody changes the permissions of their own account.", "不能变更自己账号的权限。")
    changes: dict[str, Any] = {}
    if names is not KEEP:
        changes["roles"] = list(roles.combination(names))
    if districts is not KEEP:
        changes["districts"] = _districts(districts)
    if display_name is not KEEP:
        changes["display_name"] = _display_name(display_name)
    if locale is not KEEP:
        changes["locale"] = _locale(locale)
    if is_disabled is not KEEP:
        changes["disabled_at"] = datetime.now(UTC) if is_disabled else None
    if not changes:
        return account(store, account_id)
    with act(store, actor) as connection:
        row = connection.execute("SELECT disabled_at FROM gis.account WHERE account_id = %s FOR UPDATE", (account_id,)).fetchone()
        if row is None:
            raise UnknownAccount(f"There is no account {account_id}.")
        if is_disabled is True and row[0] is not None:
            changes["disabled_at"] = row[0]
        # One statement, so that the audit tells the change as one.
        connection.execute(sql.SQL("UPDATE gis.account SET {}, changed_at = clock_timestamp() WHERE account_id = %s").format(
            sql.SQL(", ").join(sql.SQL("{} = %s").format(sql.Identifier(c)) for c in changes)),
            (*changes.values(), account_id))
    return account(store, account_id)


def check_password(store: Store, username: str, password: str, address: str | None = None, request_id: str | None = None) -> Account:
    """Return the account of a user name and password.

    Unknown names, wrong passwords and disabled accounts take as long and answer the same; so do locked names that exist and
    those that do not. Raises SignInRefused, SignInLocked.
    """
    plain = _username(username)
    name_hash = hashlib.sha256(plain.encode()).digest()
    with store.write() as connection:
        # Committed before the password is looked at: attempts made at the same time all count.
        row = connection.execute("SELECT gis.begin_login(%s)", (name_hash,)).fetchone()
    with store.read() as connection:
        kept = connection.execute("SELECT account_id, password_hash, disabled_at IS NOT NULL FROM gis.account WHERE username = %s",
                                  (plain,)).fetchone()
    until = row[0] if row else None
    is_right = passwords.matches(password, None if until or kept is None or kept[2] else kept[1])
    # A name that nobody has may be a password typed in the wrong place: it is not written down.
    actor = Actor(plain if kept else f"unknown:{name_hash.hex()[:12]}", kept[0] if kept else None, address, request_id)
    if until is not None:
        record(store, actor, "login", succeeded=False, detail={"why": "locked"})
        raise SignInLocked(until)
    if kept is None or not is_right:
        with act(store, actor) as connection:
            append(connection, "login", succeeded=False, detail={"why": "disabled" if kept and kept[2] else "refused"})
            locked = connection.execute("SELECT gis.locked_until(%s)", (name_hash,)).fetchone()
            if locked and locked[0] is not None:
                append(connection, "locked", succeeded=False, detail={"until": locked[0].isoformat()})
        raise SignInRefused
    with act(store, actor, rehash="yes") as connection:
        connection.execute("DELETE FROM gis.login_attempt WHERE name_hash = %s", (name_hash,))
        if passwords.needs_rehash(kept[1]):
            connection.execute("UPDATE gis.account SET password_hash = %s WHERE account_id = %s",
                               (passwords.hash_password(password), kept[0]))
    return account(store, int(kept[0]))


def change_password(store: Store, actor: Actor, old: str, new: str, keep_session: int | None = None) -> None:
    """Change one's own password, which ends all one's other sessions.

    Raises SignInRefused where the old one is wrong (it counts as a failed attempt), InvalidParameter where the new one is weak.
    """
    if old == new:
        raise InvalidParameter("new_password", "is the old one", "不能与原密码相同")
    passwords.check_strength(new, actor.name, "new_password")
    found = check_password(store, actor.name, old, actor.address, actor.request_id)
    _write_password(store, replace(actor, account_id=found.account_id), found.account_id, new, False, keep_session)


def set_password(store: Store, actor: Actor, account_id: int, password: str, must_change: bool = True) -> None:
    """Give an account a new password, which ends all its sessions. Raises UnknownAccount, InvalidParameter."""
    passwords.check_strength(password, account(store, account_id).username)
    _write_password(store, actor, account_id, password, must_change, None)


def _write_password(store: Store, actor: Actor, account_id: int, password: str, must_change: bool, keep: int | None) -> None:
    kept = passwords.hash_password(password)
    with act(store, actor) as connection:
        connection.execute("UPDATE gis.account SET password_hash = %s, must_change = %s, changed_at = clock_timestamp() "
                           "WHERE account_id = %s", (kept, must_change, account_id))
        connection.execute("UPDATE gis.session SET ended_at = clock_timestamp() "
                           "WHERE account_id = %s AND ended_at IS NULL AND session_id IS DISTINCT FROM %s", (account_id, keep))


def bootstrap_accounts(store: Store, roles: Roles, admin_password: str | None = None,
                       districts: Sequence[str] | None = ()) -> list[tuple[str, str, str]]:
    """Make an account for each role that names one, on the first start; nothing where there is an account already.

    Parameters
    ----------
    admin_password
        For the account `admin`; None makes a random one, as for all others.
    districts
        What accounts are limited to whose role is limited by district.

    Returns (username, password, role) of what was made, to be shown once.
    """
    with store.read() as connection:
        row = connection.execute("SELECT EXISTS (SELECT FROM gis.account)").fetchone()
    if row and row[0]:
        return []
    if admin_password:
        passwords.check_strength(admin_password, "admin", "GIS_ADMIN_PASSWORD")
    made = []
    for name, role in roles.roles.items():
        if role.account is None:
            continue
        password = admin_password if role.account == "admin" and admin_password else passwords.make_password()
        create_account(store, roles, Actor("first start"), role.account, password, [name], districts, role.title.zh)
        made.append((role.account, password, name))
    return made


def fullest_district(store: Store, layers: Iterable[Layer]) -> str | None:
    """Return the district in which most layers have something now, of those the one with most of it; None in an empty city.

    The first officers are to find work of every kind in theirs.
    """
    found: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    for layer in layers:
        if not layer.is_stored or layer.district is None:
            continue
        with store.read() as connection:
            rows = connection.execute(sql.SQL("SELECT {0}, count(*) FROM {1} WHERE valid @> now() AND {0} IS NOT NULL GROUP BY 1").format(
                sql.Identifier(layer.district), sql.Identifier("city", layer.id))).fetchall()
        kinds.update(code for code, _ in rows)
        found.update(dict(rows))
    return max(found, key=lambda code: (kinds[code], found[code], code), default=None)


def _username(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip().lower()


def _display_name(text: str) -> str:
    plain = " ".join(text.split())
    if not 0 < len(plain) <= 80 or any(unicodedata.category(c) == "Cc" for c in plain):
        raise InvalidParameter("display_name", "has 1 to 80 characters", "须为 1 至 80 个字符")
    return plain


def _districts(codes: Sequence[str] | None) -> list[str] | None:
    if codes is None:
        return None
    for code in codes:
        if not re.fullmatch(r"[0-9A-Za-z_.-]{1,32}", code):
            raise InvalidParameter("districts", f"'{code}' is not a district code", "不是辖区代码")
    return sorted(set(codes))


def _locale(locale: str | None) -> str | None:
    if locale not in (None, "zh", "en"):
        raise InvalidParameter("locale", "is 'zh' or 'en'", "须为 zh 或 en")
    return locale
