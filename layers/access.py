"""Who may read and edit which layers, fields and districts, and how PostgreSQL is told so."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, repeat

import psycopg
from psycopg.types.json import Jsonb

from layers.errors import Unavailable
from layers.layer import Layer, LayerField
from layers.store import Store

__all__ = ["Audience", "LayerGrant", "OWNER", "ensure_audience", "is_kept", "prune_audiences", "regrant_all"]

# A policy needs its table alone for a moment, and while it waits for that, all who come later wait behind it. So it gives up
# almost at once and comes again: behind an export or an import that lasts, readers are held for a moment, not for seconds.
LOCK_TIMEOUT = "SET lock_timeout = '150ms'"
PATIENCE_S = 20.0
PAUSES_S = (0.05, 0.1, 0.2, 0.4, 0.8)


@dataclass(frozen=True)
class LayerGrant:
    """What an audience may do with one layer. `districts` and `fields` of None mean all.

    `edit_districts` narrows where it may edit; None means wherever it reads.
    """

    layer: str
    edit: bool = False
    districts: tuple[str, ...] | None = None
    fields: tuple[str, ...] | None = None
    edit_districts: tuple[str, ...] | None = None

    @property
    def editable(self) -> tuple[str, ...] | None:
        """Return the districts where it may edit; None is all."""
        if not self.edit:
            return ()
        return self.districts if self.edit_districts is None else self.edit_districts

    @cached_property
    def key(self) -> str:
        """Return the fingerprint of what may be read: equal for all audiences to which this layer looks the same."""
        return _fingerprint([self.layer, _listed(self.districts), _listed(self.fields)])

    @property
    def role(self) -> str:
        """Return the PostgreSQL role that holds the privileges of this grant."""
        return f"gis_g_{self.key}"


@dataclass(frozen=True)
class Audience:
    """Readers with the same grants: one PostgreSQL role, one pool of connections, one cache key.

    `role` None is the owner of the store, who sees all (jobs, maintenance, tests).
    """

    role: str | None
    fingerprint: str
    layers: Mapping[str, LayerGrant] | None = None
    capabilities: frozenset[str] = field(default_factory=frozenset)

    def grant(self, layer_id: str) -> LayerGrant | None:
        """Return the grant for a layer; None if the audience may not read it."""
        return LayerGrant(layer_id, edit=True) if self.layers is None else self.layers.get(layer_id)

    def may_read(self, layer_id: str) -> bool:
        return self.grant(layer_id) is not None

    def may_edit(self, layer_id: str) -> bool:
        grant = self.grant(layer_id)
        return grant is not None and grant.edit

    def sees_whole(self, layer_id: str) -> bool:
        """Does the audience see every row of the layer?"""
        grant = self.grant(layer_id)
        return grant is not None and grant.districts is None

    def fields(self, layer: Layer) -> tuple[LayerField, ...]:
        """Return the fields of the layer that the audience may read, in the layer's order."""
        grant = self.grant(layer.id)
        if grant is None:
            return ()
        return layer.fields if grant.fields is None else tuple(f for f in layer.fields if f.name in grant.fields)

    def layer_key(self, layer_id: str) -> str:
        """Return a cache key that two audiences share when the layer looks the same to both; '' if it may not be read."""
        grant = self.grant(layer_id)
        return "" if grant is None else grant.key


OWNER = Audience(role=None, fingerprint="owner")


def ensure_audience(store: Store, layers: Mapping[str, Layer], grants: Mapping[str, LayerGrant] | Iterable[LayerGrant],
                    capabilities: Iterable[str] = ()) -> Audience:
    """Return the audience of some grants, after making its PostgreSQL role, privileges and row policies where they are new.

    Parameters
    ----------
    layers
        The catalogue's layers; grants for others are left out.
    grants
        What the audience may read and edit; a layer without a grant does not exist for it.
    capabilities
        What it may do beside reading and editing (names of `layers.roles`).

    Raises Unavailable where the database is too busy to take the privileges.
    """
    given = grants.values() if isinstance(grants, Mapping) else grants
    kept = {g.layer: g for g in sorted(given, key=lambda g: g.layer) if g.layer in layers}
    # Capabilities are nothing to PostgreSQL, but a document kept for an audience may tell of them.
    able = frozenset(capabilities)
    fingerprint = _fingerprint([[[g.key, g.edit, _listed(g.editable)] for g in kept.values()], sorted(able)])
    audience = Audience(f"gis_a_{fingerprint}", fingerprint, kept, able)
    if not is_kept(store, audience):
        _keep(store, audience)
    return audience


def is_kept(store: Store, audience: Audience) -> bool:
    """Does the database know this audience? Also says that it is in use, which keeps it from being pruned."""
    with store.write() as connection:
        row = connection.execute("SELECT gis.touch_audience(%s)", (audience.role,)).fetchone()
    return bool(row and row[0])


def regrant_all(store: Store, layers: Mapping[str, Layer] | None = None) -> int:
    """Issue the privileges of all audiences again, as tables and fields are now; return how many audiences there are.

    Parameters
    ----------
    layers
        Only audiences that may read one of these; None takes all.
    """
    with store.read() as connection:
        roles = [role for (role,) in connection.execute(
            "SELECT DISTINCT role FROM gis.audience LEFT JOIN gis.audience_layer ON audience = role "
            "WHERE %(layers)s::text[] IS NULL OR layer = ANY (%(layers)s) ORDER BY role",
            {"layers": None if layers is None else list(layers)})]
    with store.connect() as connection:
        connection.execute(LOCK_TIMEOUT)
        for role in roles:
            _patiently(lambda role=role: connection.execute("SELECT gis.regrant(%s)", (role,)))
    return len(roles)


def prune_audiences(store: Store, unused_hours: float = 24) -> int:
    """Forget audiences that nobody used for some hours, with their roles; return how many."""
    with store.connect() as connection:
        connection.execute(LOCK_TIMEOUT)
        row = _patiently(lambda: connection.execute(
            "SELECT gis.prune_audiences(make_interval(secs => %s))", (unused_hours * 3600,)).fetchone())
    return row[0] if row else 0


def _keep(store: Store, audience: Audience) -> None:
    grants = list((audience.layers or {}).values())
    with store.connect() as connection:
        connection.execute(LOCK_TIMEOUT)
        # A transaction per layer: no more than two tables are ever held at once.
        for grant in grants:
            _patiently(lambda grant=grant: connection.execute(
                "SELECT gis.keep_layer_grant(%s, %s, %s, %s)",
                (grant.role, grant.layer, _listed(grant.districts), _listed(grant.fields))))
        _patiently(lambda: connection.execute("SELECT gis.keep_audience(%s, %s)", (audience.role, Jsonb([
            {"layer": g.layer, "role": g.role, "can_edit": g.edit, "edit_districts": _listed(g.editable) if g.edit else None}
            for g in grants]))))


def _patiently[T](act: Callable[[], T]) -> T:
    """Do what may meet a busy table, or another process that gives the same privileges, a few times over."""
    deadline = time.monotonic() + PATIENCE_S
    for pause in chain(PAUSES_S, repeat(PAUSES_S[-1])):
        try:
            return act()
        except (psycopg.errors.LockNotAvailable, psycopg.errors.InternalError_, psycopg.errors.UniqueViolation,
                psycopg.errors.DeadlockDetected) as error:
            if isinstance(error, psycopg.errors.InternalError_) and "concurrently" not in str(error):
                raise
            if time.monotonic() + pause > deadline:
                break
            time.sleep(pause)
    raise Unavailable("The database is too busy to give this reader its privileges; try again.",
                      "数据库正忙，暂时无法为您建立访问权限，请稍后重试。")


def _listed(values: Iterable[str] | None) -> list[str] | None:
    return None if values is None else sorted(set(values))


def _fingerprint(value: object) -> str:
    return hashlib.sha256(json.dumps(value, ensure_ascii=False).encode()).hexdigest()[:12]
