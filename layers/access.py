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
# Audiences that are forgotten in one transaction.
PRUNED = 100


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

    def role_for(self, layer: Layer) -> str:
        """Return the PostgreSQL role that holds the privileges of this grant.

        Where rows have owners it is one for all circles: which of them a reader is in is looked up by his own role.
        """
        if self.is_by_circle(layer):
            return f"gis_g_{_fingerprint([self.layer, 'by circle', _listed(self.fields)])}"
        return f"gis_g_{self.key}"

    def is_by_circle(self, layer: Layer) -> bool:
        """Are the rows those of circles of people?"""
        return layer.owned is not None and self.districts is not None


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
        _keep(store, audience, layers)
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
    names = None if layers is None else list(layers)
    with store.connect() as connection:
        # Those that are being made in this moment are among them.
        connection.execute("SELECT pg_advisory_xact_lock(4548, 3)")
        given = list(connection.execute("SELECT role, is_profile FROM gis.grants_of(%s)", (names,)))
        row = connection.execute("SELECT count(DISTINCT role) FROM gis.audience LEFT JOIN gis.audience_layer ON audience = role "
                                 "WHERE %(layers)s::text[] IS NULL OR layer = ANY (%(layers)s)", {"layers": names}).fetchone()
    with store.connect() as connection:
        connection.execute(LOCK_TIMEOUT)
        for role, is_profile in given:
            _patiently(lambda role=role, is_profile=is_profile: connection.execute("SELECT gis.regrant(%s, %s)", (role, is_profile)))
    return row[0] if row else 0


def prune_audiences(store: Store, unused_hours: float = 24) -> int:
    """Forget audiences that nobody used for some hours, with their roles; return how many."""
    forgotten = 0
    with store.connect() as connection:
        connection.execute(LOCK_TIMEOUT)
        # Some hundreds in a transaction: each holds a few locks until its end.
        while True:
            row = _patiently(lambda: connection.execute("SELECT gis.prune_audiences(make_interval(secs => %s), %s)", (unused_hours * 3600, PRUNED)).fetchone())
            forgotten += row[0] if row else 0
            if row is None or row[0] < PRUNED:
                return forgotten


def _keep(store: Store, audience: Audience, layers: Mapping[str, Layer]) -> None:
    grants = [(grant, grant.role_for(layers[grant.layer]), grant.is_by_circle(layers[grant.layer])) for grant in (audience.layers or {}).values()]
    documents = Jsonb([{"layer": g.layer, "role": role, "can_edit": g.edit, "edit_districts": _listed(g.editable) if g.edit else None,
                        "circles": _listed(g.districts) if is_by_circle else None} for g, role, is_by_circle in grants])
    with store.connect() as connection:
        connection.execute(LOCK_TIMEOUT)
        known = {name for (name,) in connection.execute(
            "SELECT g.role FROM gis.layer_grant g JOIN pg_roles r ON r.rolname = g.role WHERE g.role = ANY (%s) "
            # The role may be that of a city beside this one.
            "AND coalesce(has_any_column_privilege(g.role, to_regclass(format('city.%%I', g.layer)), 'SELECT'), true)", ([role for _, role, _ in grants],))}
        for attempt in range(2):
            # A transaction per layer: no more than two tables are ever held at once.
            for grant, role, is_by_circle in grants:
                if role not in known or attempt:
                    _patiently(lambda g=grant, role=role, is_by_circle=is_by_circle: connection.execute(
                        "SELECT gis.keep_layer_grant(%s, %s, %s, %s, %s)",
                        (role, g.layer, None if is_by_circle else _listed(g.districts), _listed(g.fields), is_by_circle)))
            try:
                _patiently(lambda: connection.execute("SELECT gis.keep_audience(%s, %s)", (audience.role, documents)))
                return
            except (psycopg.errors.ForeignKeyViolation, psycopg.errors.UndefinedObject):
                # A grant that nobody had any more was forgotten in between.
                if attempt:
                    raise


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
    return hashlib.sha256(json.dumps(value, ensure_ascii=False).encode()).hexdigest()[:24]
