"""Thousands who draw: each sees his own rows, and the database has one policy and one list of privileges for all of them."""

from __future__ import annotations

from typing import Any

import pytest
from psycopg import sql

from layers.access import Audience, LayerGrant, ensure_audience, is_kept, prune_audiences
from layers.catalogue import Catalogue
from layers.layer import Layer, parse_layer
from layers.plan import register
from layers.staging import Batch
from layers.store import Store
from tests.layers.test_access import PLOT, TEXT, ask, audience, plot

__all__ = ["plot"]

MANY = 60


@pytest.fixture(scope="module")
def people(store: Store) -> list[Audience]:
    note = parse_layer({"id": "note", "title": TEXT, "group": "test", "geometry": "Point", "owned": {"by": "owner", "name": "drawn_by", "seen_by": "seen_by"},
                        "fields": [{"name": n, "type": "string", "title": TEXT} for n in ("title", "owner", "drawn_by", "seen_by")]})
    register(store, note)
    layers = Catalogue(store).layers
    made = [ensure_audience(store, layers, [LayerGrant("note", edit=True, districts=("all", f"person:{n}")), LayerGrant("plot")]) for n in range(MANY)]
    with Batch(store) as batch:
        first = batch.reserve_fids(MANY + 1)
        batch.copy(note, ["geom", "title", "owner", "seen_by"], (
            (n, "n", first + n, "[2000-01-01T00:00Z,)", "d", "s", None, "SRID=4490;POINT(116.3 39.9)", f"note {n}", f"person:{n}",
             "all" if n == MANY else f"person:{n}") for n in range(MANY + 1)))
        batch.apply("tester", "notes")
    return made


class TestOwnersOfMarks:
    def test_each_sees_his_own_and_what_is_for_all(self, store: Store, plot: Layer, people: list[Audience]):
        for n in (0, 7, MANY - 1):
            assert ask(store, people[n], "SELECT title FROM city.note ORDER BY fid") == [(f"note {n}",), (f"note {MANY}",)]
            assert ask(store, people[n], "SELECT circles FROM gis.reader_circle") == [(["all", f"person:{n}"],)]
        # On one connection, one after the other, by the same prepared statement.
        single = Store(store.dsn, 1)
        try:
            seen = [ask(single, people[n % 3], "SELECT min(title) FROM city.note")[0][0] for n in range(12)]
        finally:
            single.close()
        assert seen == [f"note {n % 3}" for n in range(12)]
        # Nobody's role sees none, also where it may read the layer.
        assert ask(store, audience(store, LayerGrant("note", districts=())), "SELECT count(*) FROM city.note") == [(0,)]

    def test_what_they_cost_does_not_grow_with_them(self, store: Store, plot: Layer, people: list[Audience]):
        assert len({each.role for each in people}) == MANY
        with store.read() as connection:
            policies = dict(connection.execute("SELECT polrelid::regclass::text, count(*) FROM pg_policy GROUP BY 1").fetchall())
            own = connection.execute("SELECT count(*) FROM pg_class c, LATERAL aclexplode(c.relacl) a JOIN pg_roles r ON r.oid = a.grantee "
                                     "WHERE r.rolname = ANY (%s)", ([each.role for each in people],)).fetchone()
            columns = connection.execute("SELECT max(cardinality(attacl)) FROM pg_attribute").fetchone()
        assert own == (0,) and policies["city.note"] <= 2
        assert policies["gis.search_entry"] < MANY and columns is not None and columns[0] < MANY

    def test_another_database_of_the_cluster_may_use_the_same_role(self, store: Store, plot: Layer, people: list[Audience], new_store: Any):
        """Roles are the cluster's. Who forgets one here does not take it from a city beside it."""
        with new_store() as beside:
            register(beside, parse_layer({"id": "plot", **{k: v for k, v in PLOT.items() if k != "id"}}))
            twin = ensure_audience(beside, Catalogue(beside).layers, [LayerGrant("plot", districts=("55",))])
            here = ensure_audience(store, Catalogue(store).layers, [LayerGrant("plot", districts=("55",))])
            assert twin.role == here.role
            assert prune_audiences(beside, unused_hours=-1) >= 1 and not is_kept(beside, twin)
            assert is_kept(store, here) and ask(store, here, "SELECT count(*) FROM city.plot") == [(0,)]

    def test_an_audience_of_before_profiles_is_brought_over(self, store: Store, plot: Layer):
        """As an older version left it: a policy on the search and privileges of its own."""
        who = audience(store, LayerGrant("plot", districts=("66",)))
        with store.write() as connection:
            connection.execute("UPDATE gis.audience SET profile = NULL WHERE role = %s", (who.role,))
            connection.execute(sql.SQL("CREATE POLICY {0} ON gis.search_entry FOR SELECT TO {0} USING (layer = 'plot')").format(sql.Identifier(who.role)))
            connection.execute(sql.SQL("GRANT SELECT (seq, recorded_at) ON gis.changeset TO {}").format(sql.Identifier(who.role)))
        assert not is_kept(store, who)
        assert audience(store, LayerGrant("plot", districts=("66",))).role == who.role and is_kept(store, who)
        with store.read() as connection:
            assert connection.execute("SELECT count(*) FROM pg_policy WHERE polname = %s", (who.role,)).fetchone() == (0,)
        assert ask(store, who, "SELECT count(*) FROM gis.search_entry") == [(0,)] and ask(store, who, "SELECT count(seq) > 0 FROM gis.changeset") == [(True,)]
