"""Who is asking: from what a request shows to a reader with an audience, in microseconds for who was here before."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from starlette.types import Scope

from config.settings import ROOT
from gisserver.credentials import Presented
from layers.access import Audience, LayerGrant, ensure_audience
from layers.audit import Actor
from layers.catalogue import Catalogue
from layers.errors import Forbidden, NotAuthenticated
from layers.keys import find_key, touch_key
from layers.layer import read_layers
from layers.roles import Roles, read_roles
from layers.sessions import Credential, credential_version, csrf_token, find_session, touch_session
from layers.store import Store

__all__ = ["Identity", "Reader", "open_identity"]

ROLES = ROOT / "config" / "roles.yaml"
LAYERS = ROOT / "config" / "layers"
# A credential that was ended is refused everywhere within CHECK_S (and the time of one request).
CHECK_S = 1.0
# A reader is looked up anew after this time: sessions go idle, keys expire.
KEPT_S = 5.0
# An audience tells the database that it is in use, or it is forgotten.
AUDIENCE_KEPT_S = 600.0
MOST_KEPT = 20_000
# A key is for reading and editing data; what needs a person at a browser it cannot do.
KEY_CAPABILITIES = frozenset({"export", "read_changesets", "run_jobs"})


@dataclass(frozen=True)
class Reader:
    """Who asks, and what they may. `kind` is 'public', 'session' or 'key'; `number` the session's or key's."""

    kind: str
    audience: Audience
    roles: tuple[str, ...]
    capabilities: frozenset[str] = frozenset()
    account_id: int | None = None
    username: str | None = None
    display_name: str | None = None
    districts: tuple[str, ...] | None = ()
    locale: str | None = None
    number: int | None = None
    csrf: str | None = None
    must_change: bool = False
    holds_until: datetime | None = None
    layers: tuple[str, ...] | None = field(default=None, repr=False)

    @property
    def is_public(self) -> bool:
        """Is nobody signed in?"""
        return self.kind == "public"

    @property
    def actor(self) -> str:
        """Return the name that changesets and the audit know."""
        return self.username or "public"

    def may(self, capability: str) -> bool:
        return capability in self.capabilities

    def require(self, capability: str) -> None:
        """Raise NotAuthenticated or Forbidden where the reader lacks a capability."""
        if capability in self.capabilities:
            return
        if self.is_public:
            raise NotAuthenticated("Sign in first.")
        raise Forbidden(f"This needs the permission '{capability}'.", f"需要权限“{capability}”。")

    def require_person(self) -> int:
        """Return the account of a signed-in person. Raises NotAuthenticated for nobody, Forbidden for a key.

        A key that leaked must not be able to make itself at home.
        """
        if self.account_id is None:
            raise NotAuthenticated("Sign in first.")
        if self.kind != "session":
            raise Forbidden("This needs a signed-in person; a key cannot do it.", "此操作须本人登录，不能使用密钥。")
        return self.account_id

    def acting(self, scope: Scope) -> Actor:
        """Return the reader as the audit notes them, with where the request came from."""
        client = scope.get("client")
        return Actor(self.actor, self.account_id, client[0] if client else None, scope.get("state", {}).get("request_id"))


class Identity:
    """Readers by what their requests show, remembered for a few seconds.

    Parameters
    ----------
    store, catalogue
        The city; audiences follow the catalogue at once when it changes in this process.
    roles
        What accounts may.
    """

    def __init__(self, store: Store, roles: Roles, catalogue: Catalogue) -> None:
        self.store, self.roles, self.catalogue = store, roles, catalogue
        # hash: the reader, until when it is kept, and the versions of catalogue and credentials it was made from
        self._readers: dict[bytes, tuple[Reader, float, tuple[int, int]]] = {}
        self._audiences: dict[tuple[object, ...], tuple[Audience, float]] = {}
        self._public: tuple[Reader, float, int] | None = None
        self._version, self._checked_at = -1, float("-inf")
        self._checking = threading.Lock()

    def known(self, presented: Presented | None) -> Reader | None:
        """Return the reader if it is remembered and certain; never asks the database."""
        now = time.monotonic()
        if presented is None:
            public = self._public
            return public[0] if public and now < public[1] and public[2] == self.catalogue.version else None
        kept = self._readers.get(presented.hashed)
        if kept is None or now >= kept[1] or kept[2] != (self.catalogue.version, self._version) or now - self._checked_at >= CHECK_S:
            return None
        return kept[0]

    def find(self, presented: Presented | None) -> Reader:
        """Return the reader, asking the database where needed.

        A cookie that does not hold (any more) is nobody's: the public reads. A key that does not is refused: NotAuthenticated.
        """
        if presented is None:
            return self._find_public()
        self._check()
        if (reader := self.known(presented)) is not None:
            return reader
        # Taken before the credential is read: what changes in between makes this answer old, and it is not used again.
        versions = (self.catalogue.version, self._version)
        found = (find_key if presented.kind == "key" else find_session)(self.store, presented.hashed)
        if found is None:
            self._readers.pop(presented.hashed, None)
            if presented.kind == "key":
                raise NotAuthenticated("The key is not known, has expired or was revoked.", "密钥不存在、已过期或已吊销。")
            return self._find_public()
        if found.is_due:
            (touch_key if found.kind == "key" else touch_session)(self.store, found.number)
        reader = self._reader(found, presented)
        holds_s = (found.holds_until - datetime.now(UTC)).total_seconds()
        if len(self._readers) >= MOST_KEPT:
            self._readers.clear()
        self._readers[presented.hashed] = (reader, time.monotonic() + min(KEPT_S, holds_s), versions)
        return reader

    def forget(self, presented: Presented | None = None) -> None:
        """Forget a reader (None: all of them) in this process, after their rights changed here."""
        if presented is None:
            self._readers.clear()
        else:
            self._readers.pop(presented.hashed, None)

    def personal(self, reader: Reader) -> Audience | None:
        """Return the audience with personal fields for who gave a reason; None for who may not open them."""
        if not reader.may("see_personal"):
            return None
        return self._audience(reader.roles, reader.districts, reader.layers, True, reader.capabilities, reader.account_id, personal=True)

    def _find_public(self) -> Reader:
        if (reader := self.known(None)) is not None:
            return reader
        version = self.catalogue.version
        names = (self.roles.public,)
        reader = Reader("public", self._audience(names, (), None, False, frozenset(), None), names)
        self._public = (reader, time.monotonic() + AUDIENCE_KEPT_S / 2, version)
        return reader

    def _check(self) -> None:
        with self._checking:
            if time.monotonic() - self._checked_at < CHECK_S:
                return
            begun = time.monotonic()
            version = credential_version(self.store)
            if version != self._version:
                self._readers.clear()
                self._version = version
            self._checked_at = begun

    def _reader(self, found: Credential, presented: Presented) -> Reader:
        capabilities = self.roles.capabilities(found.roles)
        if found.kind == "key":
            capabilities &= KEY_CAPABILITIES
        audience = self._audience(found.roles, found.districts, found.layers, found.can_edit, capabilities, found.account_id)
        reader = Reader(found.kind, audience, found.roles, capabilities, found.account_id, found.username, found.display_name, found.districts,
                        found.locale, found.number, csrf_token(presented.token) if found.kind == "session" else None,
                        found.must_change, found.holds_until, found.layers)
        if found.must_change:
            # Whoever set the password knows it; until its owner has changed it, it opens nothing.
            return replace(reader, audience=self._find_public().audience, capabilities=frozenset())
        return reader

    def _audience(self, names: Iterable[str], districts: tuple[str, ...] | None, only: tuple[str, ...] | None, may_edit: bool,
                  capabilities: frozenset[str], account: int | None, personal: bool = False) -> Audience:
        layers, version = self.catalogue.layers, self.catalogue.version
        # Readers with the same grants share an audience; what is remembered here is whose grants they are.
        key = (version, tuple(names), districts, only, may_edit, capabilities, personal, account)
        kept = self._audiences.get(key)
        if kept is not None and time.monotonic() - kept[1] < AUDIENCE_KEPT_S:
            return kept[0]
        grants = self.roles.grants(layers, key[1], districts, personal, account)
        if only is not None:
            grants = {i: g for i, g in grants.items() if i in only}
        if not may_edit:
            grants = {i: LayerGrant(g.layer, False, g.districts, g.fields) for i, g in grants.items()}
        audience = ensure_audience(self.store, layers, grants, capabilities)
        if len(self._audiences) >= MOST_KEPT:
            self._audiences.clear()
        self._audiences[key] = (audience, time.monotonic())
        return audience


def open_identity(store: Store, catalogue: Catalogue) -> Identity:
    """Make the identity of a service from `config/roles.yaml`. Raises DefinitionError where that does not fit the layers."""
    return Identity(store, read_roles(ROLES, {**read_layers(LAYERS), **catalogue.layers}), catalogue)
