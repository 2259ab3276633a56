"""What an audience may see, as PostgreSQL itself enforces it: every statement below is plain SQL in the audience's role."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
import shapely
from psycopg import sql

from config.settings import ROOT
from gisserver.ops.preparation import prepare_store
from layers.access import Audience, LayerGrant, ensure_audience, is_kept, prune_audiences, regrant_all
from layers.catalogue import Catalogue
from layers.layer import Layer, parse_layer
from layers.plan import register
from layers.staging import Batch
from layers.store import Store

TEXT = {"zh": "字", "en": "Text"}
PLOT = {"id": "plot", "title": TEXT, "born": "runtime", "group": "imported", "geometry": "Polygon", "district": "district_code",
        "fields": [{"name": "name", "type": "string", "title": TEXT, "search": "name"},
                   {"name": "height_m", "type": "number", "title": TEXT, "index": True},
                   {"name": "owner_name", "type": "string", "title": TEXT, "personal": True, "search": "name"},
                   {"name": "district_code", "type": "string", "title": TEXT}]}
# Without a district field.
MAST = {"id": "mast", "title": TEXT, "born": "runtime", "group": "imported", "geometry": "Point",
        "fields": [{"name": "name", "type": "string", "title": TEXT}]}
COUNT = 6000


@pytest.fixture(scope="module")
def plot(store: Store) -> Layer:
    """A layer of COUNT plots in districts 01, 02 and 03, a third each, of which ten have a past belief."""
    layer = parse_layer(PLOT)
    register(store, layer)
    register(store, parse_layer(MAST))
    with Batch(store) as batch:
        first = batch.reserve_fids(COUNT)
        batch.copy(layer, ["geom", "name", "height_m", "owner_name", "district_code"], (
            (i, "n", first + i, "[2000-01-01T00:00Z,)", "d", "s", None, square(i), f"plot {i}", float(i % 97), f"owner {i}", f"0{i % 3 + 1}")
            for i in range(COUNT)))
        batch.apply("tester", "first load")
    with Batch(store) as batch:
        batch.copy(layer, ["geom", "name", "height_m", "owner_name", "district_code"], (
            (i, "c", first + i, "[2000-01-01T00:00Z,)", "d", "s", None, square(i), f"plot {i} corrected", 1.0, f"owner {i}", f"0{i % 3 + 1}")
            for i in range(10)))
        batch.apply("tester", "a correction")
    with store.connect() as connection:
        connection.execute("ANALYZE city.plot")
    return layer


def square(i: int) -> str:
    x, y = 116.25 + (i % 100) * 0.003, 39.82 + (i // 100) * 0.003
    return shapely.to_wkb(shapely.set_srid(shapely.box(x, y, x + 0.002, y + 0.002), 4490), hex=True, include_srid=True)


def ask(store: Store, audience: Audience, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    with store.read(audience.role) as connection:
        return connection.execute(statement, values).fetchall()


def audience(store: Store, *grants: LayerGrant) -> Audience:
    return ensure_audience(store, Catalogue(store).layers, grants)


class TestEnforcement:
    def test_whole_layer(self, store: Store, plot: Layer):
        whole = audience(store, LayerGrant("plot"))
        assert ask(store, whole, "SELECT count(*), count(DISTINCT district_code) FROM city.plot") == [(COUNT, 3)]
        assert ask(store, whole, "SELECT count(*) FROM city.plot_past") == [(10,)]

    def test_rows_by_district_in_both_tables(self, store: Store, plot: Layer):
        limited = audience(store, LayerGrant("plot", districts=("02",)))
        assert ask(store, limited, "SELECT DISTINCT district_code FROM city.plot") == [("02",)]
        assert ask(store, limited, "SELECT count(*) FROM city.plot") == [(COUNT // 3,)]
        assert ask(store, limited, "SELECT DISTINCT district_code FROM city.plot_past") == [("02",)]
        assert ask(store, limited, "SELECT count(*) FROM city.plot WHERE fid IN (SELECT fid FROM city.plot_past)") == [(3,)]

    def test_no_district_is_no_row(self, store: Store, plot: Layer):
        nowhere = audience(store, LayerGrant("plot", districts=()))
        assert ask(store, nowhere, "SELECT count(*) FROM city.plot") == [(0,)]

    def test_rows_by_district_on_a_layer_without_one_are_none(self, store: Store, plot: Layer):
        with store.write() as connection:
            connection.execute("INSERT INTO city.mast (version_id, fid, valid, begin_precision, end_precision, seq_from, geom) "
                               "VALUES (-1, -1, '[,)', 's', 's', 1, ST_GeomFromText('POINT(116.3 39.9)', 4490))")
        assert ask(store, audience(store, LayerGrant("mast")), "SELECT count(*) FROM city.mast") == [(1,)]
        assert ask(store, audience(store, LayerGrant("mast", districts=("02",))), "SELECT count(*) FROM city.mast") == [(0,)]

    @pytest.mark.parametrize("statement", [
        "SELECT owner_name FROM city.plot", "SELECT * FROM city.plot", "SELECT count(*) FROM city.plot WHERE owner_name = 'owner 1'",
        "SELECT fid FROM city.plot ORDER BY owner_name LIMIT 1", "SELECT owner_name FROM city.plot_past", "SELECT plot FROM city.plot",
        "SELECT count(owner_name) FROM city.plot", "SELECT to_jsonb(plot) FROM city.plot LIMIT 1"])
    def test_a_masked_field_cannot_be_reached(self, store: Store, plot: Layer, statement: str):
        masked = audience(store, LayerGrant("plot", fields=("name", "height_m", "district_code")))
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            ask(store, masked, statement)
        assert ask(store, masked, "SELECT name FROM city.plot WHERE name = 'plot 11'") == [("plot 11",)]

    def test_a_hidden_district_field_still_limits(self, store: Store, plot: Layer):
        hidden = audience(store, LayerGrant("plot", districts=("01",), fields=("name",)))
        assert ask(store, hidden, "SELECT count(*) FROM city.plot") == [(COUNT // 3,)]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            ask(store, hidden, "SELECT district_code FROM city.plot")

    @pytest.mark.parametrize("table", ["city.plot", "city.plot_past", "city.building", "city_stage.plot", "gis.account", "gis.session",
                                       "gis.api_key", "gis.audit", "gis.audience_layer", "gis.layer_definition", "gis.lineage_edge"])
    def test_what_was_not_given_does_not_open(self, store: Store, plot: Layer, table: str):
        nobody = audience(store)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            ask(store, nobody, f"SELECT count(*) FROM {table}")

    def test_of_changesets_only_number_and_moment(self, store: Store, plot: Layer):
        nobody = audience(store)
        assert ask(store, nobody, "SELECT count(recorded_at) FROM gis.changeset")[0][0] >= 2
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            ask(store, nobody, "SELECT actor, reason FROM gis.changeset")

    @pytest.mark.parametrize("statement", [
        "INSERT INTO city.plot (version_id) VALUES (1)", "UPDATE city.plot SET name = 'x'", "DELETE FROM city.plot",
        "SELECT gis.open_changeset('x', 'y')", "SELECT gis.audit_append('login')", "SELECT gis.keep_audience('x', '[]')",
        "TRUNCATE city.plot", "CREATE TABLE city.mine (a int)", "SELECT gis.prune_audiences('0s')",
        "SELECT gis.begin_login('x')", "SELECT gis.mark_leakproof()"])
    def test_an_audience_writes_nothing(self, store: Store, plot: Layer, statement: str):
        whole = audience(store, LayerGrant("plot", edit=True))
        # In a session that may write, so that it is the role that refuses and not the read-only pool.
        with store.connect() as connection:
            connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(whole.role)))
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)

    def test_search_shows_what_the_layer_shows(self, store: Store, plot: Layer):
        statement = "SELECT DISTINCT field, district_code FROM gis.search_entry WHERE layer = 'plot' ORDER BY 1, 2"
        assert ask(store, audience(store), statement) == []
        masked = audience(store, LayerGrant("plot", districts=("01", "02"), fields=("name", "district_code")))
        assert ask(store, masked, statement) == [("name", "01"), ("name", "02")]
        assert {row[0] for row in ask(store, audience(store, LayerGrant("plot")), statement)} == {"name", "owner_name"}
        assert ask(store, audience(store, LayerGrant("plot", districts=("03",))), statement) == [("name", "03"), ("owner_name", "03")]

    def test_no_function_lends_its_owners_rights_to_everybody(self, store: Store):
        with store.read() as connection:
            lending = connection.execute(
                "SELECT p.oid::regprocedure::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace "
                "WHERE n.nspname IN ('gis', 'city', 'city_stage') AND p.prosecdef").fetchall()
        assert lending == []

    def test_every_table_of_features_is_closed_to_the_public_role(self, store: Store):
        with store.read() as connection:
            open_to_all = connection.execute(
                "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, aclexplode(c.relacl) a "
                "WHERE n.nspname IN ('gis', 'city', 'city_stage') AND a.grantee = 0").fetchall()
        assert open_to_all == []


class TestAudiences:
    def test_equal_grants_share_a_role(self, store: Store, plot: Layer):
        one = audience(store, LayerGrant("plot", districts=("01", "02")), LayerGrant("mast"))
        other = audience(store, LayerGrant("mast"), LayerGrant("plot", districts=("02", "01", "01")))
        assert one.role == other.role
        different = [audience(store, *grants).role for grants in (
            [LayerGrant("plot")], [LayerGrant("plot", edit=True)], [LayerGrant("plot", fields=("name",))],
            [LayerGrant("plot", edit=True, edit_districts=("01",))], [LayerGrant("mast")], [])]
        able = ensure_audience(store, Catalogue(store).layers, [], ["export"])
        assert len({one.role, able.role, *different}) == 8

    def test_layers_look_equal_across_audiences(self):
        one = Audience("a", "a", {"plot": LayerGrant("plot", edit=True, districts=("01",)), "mast": LayerGrant("mast")})
        other = Audience("b", "b", {"plot": LayerGrant("plot", districts=("01",))})
        assert one.layer_key("plot") == other.layer_key("plot") != one.layer_key("mast")
        assert other.layer_key("mast") == ""

    def test_may_edit(self, store: Store, plot: Layer):
        def may(who: str, layer: str, district: str | None) -> bool:
            with store.read() as connection:
                return connection.execute("SELECT gis.may_edit(%s, %s, %s)", (who, layer, district)).fetchone()[0]

        reader = audience(store, LayerGrant("plot", districts=("01",)))
        own = audience(store, LayerGrant("plot", edit=True, districts=("01",)))
        reads_all = audience(store, LayerGrant("plot", edit=True, edit_districts=("02",)))
        everywhere = audience(store, LayerGrant("plot", edit=True))
        table = {role: [may(role, "plot", d) for d in ("01", "02", None)] for role in
                 ("owner", reader.role, own.role, reads_all.role, everywhere.role, "gis_a_unknown")}
        assert table == {"owner": [True, True, True], reader.role: [False, False, False], own.role: [True, False, False],
                         reads_all.role: [False, True, False], everywhere.role: [True, True, True],
                         "gis_a_unknown": [False, False, False]}
        assert not may(everywhere.role, "mast", None)

    def test_made_at_the_same_time(self, store: Store, plot: Layer):
        layers = Catalogue(store).layers
        grants = [LayerGrant("plot", districts=("07",)), *(LayerGrant(i) for i in layers if i != "plot")]
        with ThreadPoolExecutor(6) as threads:
            made = list(threads.map(lambda _: ensure_audience(store, layers, grants), range(6)))
        assert len({a.role for a in made}) == 1
        assert ask(store, made[0], "SELECT count(*) FROM city.building") == [(0,)]

    def test_a_new_field_reaches_only_who_sees_all(self, store: Store, plot: Layer):
        whole, part = audience(store, LayerGrant("plot")), audience(store, LayerGrant("plot", fields=("name",)))
        register(store, parse_layer({**PLOT, "fields": [*PLOT["fields"], {"name": "colour", "type": "string", "title": TEXT}]}))
        assert ask(store, whole, "SELECT count(colour) FROM city.plot") == [(0,)]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            ask(store, part, "SELECT colour FROM city.plot")

    def test_a_table_made_anew_is_given_again(self, store: Store):
        shed = {**MAST, "id": "shed", "district": "name"}
        register(store, parse_layer(shed))
        limited = audience(store, LayerGrant("shed", districts=("01",), fields=("name",)))
        with store.write() as connection:
            connection.execute("DROP TABLE city.shed")
            connection.execute("CREATE TABLE city.shed (LIKE city.shed_past INCLUDING DEFAULTS)")
            connection.execute("INSERT INTO city.shed (version_id, fid, valid, begin_precision, end_precision, seq_from, seq_to, name) "
                               "VALUES (1, 1, '[,)', 's', 's', 1, 2, '01'), (2, 2, '[,)', 's', 's', 1, 2, '02')")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            ask(store, limited, "SELECT name FROM city.shed")
        assert regrant_all(store, {"shed": parse_layer(shed)}) == 1
        assert ask(store, limited, "SELECT name FROM city.shed") == [("01",)]

    def test_forgotten_when_unused(self, store: Store, plot: Layer):
        old, used = audience(store, LayerGrant("plot", districts=("90",))), audience(store, LayerGrant("plot", districts=("91",)))
        with store.write() as connection:
            connection.execute("UPDATE gis.audience SET used_at = now() - interval '2 days' WHERE role IN (%s, %s)", (old.role, used.role))
        assert is_kept(store, used)
        assert prune_audiences(store) == 1
        with store.read() as connection:
            roles = {name for (name,) in connection.execute("SELECT rolname FROM pg_roles WHERE rolname LIKE 'gis\\_%'")}
            policies = {name for (name,) in connection.execute("SELECT polname FROM pg_policy")}
        gone = {old.role, old.grant("plot").role_for(plot)}
        assert not gone & roles and not gone & policies
        held = used.grant("plot").role_for(plot)
        assert {used.role, held} <= roles and held in policies
        assert not is_kept(store, old)
        assert audience(store, LayerGrant("plot", districts=("90",))).role == old.role
        assert is_kept(store, old)

    def test_a_new_reader_waits_behind_a_long_reading_and_holds_up_nobody(self, store: Store, plot: Layer):
        """A policy needs the table alone. While an export runs, it is asked for in moments, not held out for."""
        wanted, begun, waits = LayerGrant("plot", districts=("77",)), time.monotonic(), []
        with ThreadPoolExecutor(1) as pool, store.connect() as export:
            export.autocommit = False
            export.execute("SELECT count(*) FROM city.plot")        # and the transaction, with its lock on the table, stays open
            made = pool.submit(audience, store, wanted)
            while time.monotonic() - begun < 1.5:
                asked = time.monotonic()
                with store.read() as connection:
                    connection.execute("SELECT count(*) FROM city.plot WHERE fid = 1")
                waits.append(time.monotonic() - asked)
                time.sleep(0.02)
            assert not made.done()
            export.rollback()
            assert ask(store, made.result(20), "SELECT count(*) FROM city.plot") == [(0,)]
        assert 0.1 < max(waits) < 1, "somebody queued, since the export was in the way, and not for as long as it lasted"


class TestAnOwnerWithoutSuperuser:
    """On a managed database nobody is a superuser: all is enforced, and what is slower for it is said."""

    @pytest.fixture
    def managed(self, server: Any) -> Iterator[Store]:
        name = f"gis_test_{secrets.token_hex(4)}"
        with Store(server.create(name, "template0")).connect() as connection:
            connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN CREATEROLE").format(sql.Identifier(name)))
            connection.execute(sql.SQL("ALTER DATABASE {0} OWNER TO {0}").format(sql.Identifier(name)))
            connection.execute("CREATE EXTENSION postgis")
            connection.execute("CREATE EXTENSION btree_gist")
            # Whoever connects is this owner, and has no more than its rights.
            connection.execute(sql.SQL("ALTER DATABASE {0} SET role = {0}").format(sql.Identifier(name)))
        store = Store(server.database(name))
        try:
            prepare_store(store, ROOT / "config" / "city.yaml")
            yield store
        finally:
            store.close()
            server.drop(name)
            with Store(server.database("postgres")).connect() as connection:
                connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))

    def test_rows_fields_and_pruning(self, managed: Store):
        layer = parse_layer(PLOT)
        register(managed, layer)
        with Batch(managed) as batch:
            first = batch.reserve_fids(3)
            batch.copy(layer, ["geom", "name", "district_code"], (
                (i, "n", first + i, "[2000-01-01T00:00Z,)", "d", "s", None, square(i), f"plot {i}", f"0{i + 1}") for i in range(3)))
            batch.apply("tester", "first load")
        with managed.read() as connection:
            assert connection.execute("SELECT current_setting('is_superuser'), current_user = session_user").fetchone() == ("off", False)
            is_present, detail = connection.execute("SELECT is_present, detail FROM gis.capability WHERE name = 'leakproof'").fetchone()
        assert not is_present and "geometry_overlaps" in detail
        limited = audience(managed, LayerGrant("plot", districts=("02",), fields=("name",)))
        near = "SELECT name FROM city.plot WHERE geom && ST_MakeEnvelope(116, 39, 117, 40, 4490)"
        assert ask(managed, limited, near) == [("plot 1",)]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            ask(managed, limited, "SELECT owner_name FROM city.plot")
        assert regrant_all(managed) == 1
        assert prune_audiences(managed, unused_hours=-1) == 1
        with managed.read() as connection:
            assert connection.execute("SELECT array_agg(polname::text) FROM pg_policy").fetchone() == (["own_circles"],)


class TestIndexes:
    """A row policy must not cost the index: only leakproof functions may run before it."""

    @pytest.mark.parametrize(("condition", "index"), [
        ("geom && ST_MakeEnvelope(116.25, 39.82, 116.256, 39.826, 4490)", "plot_geom_valid_idx"),
        ("geom && ST_MakeEnvelope(116.25, 39.82, 116.256, 39.826, 4490) AND valid @> now()", "plot_geom_valid_idx"),
        ("geom && ST_MakeEnvelope(116.25, 39.82, 116.256, 39.826, 4490) AND ST_Intersects(geom, ST_MakeEnvelope(116.25, 39.82, 116.256, 39.826, 4490))",
         "plot_geom_valid_idx"),
        ("geom_tile && ST_Transform(ST_MakeEnvelope(116.25, 39.82, 116.256, 39.826, 4326), 3857)", "plot_geom_tile_valid_idx"),
        ("height_m = 5.0", "plot_height_m_idx"),
        ("fid = 77", "plot_fid_idx"),
        ("version_id = 77", "plot_pkey"),
    ])
    def test_used_with_and_without_policy(self, store: Store, plot: Layer, condition: str, index: str):
        for who in (audience(store, LayerGrant("plot")), audience(store, LayerGrant("plot", districts=("01", "02")))):
            ((plan,),) = ask(store, who, f"EXPLAIN (FORMAT JSON) SELECT fid FROM city.plot WHERE {condition}")
            assert index in json.dumps(plan), json.dumps(plan, indent=1)

    def test_the_condition_is_in_the_index_not_after_it(self, store: Store, plot: Layer):
        limited = audience(store, LayerGrant("plot", districts=("01",)))
        ((plan,),) = ask(store, limited, "EXPLAIN (FORMAT JSON) SELECT fid FROM city.plot "
                                         "WHERE geom && ST_MakeEnvelope(116.25, 39.82, 116.256, 39.826, 4490) AND valid @> now()")
        text = json.dumps(plan)
        assert '"Index Cond": "((geom && ' in text and "(valid @> now())" in text.partition('"Index Cond"')[2]

    def test_without_the_marks_the_index_would_be_lost(self, store: Store, plot: Layer):
        limited = audience(store, LayerGrant("plot", districts=("01",)))
        with store.connect(autocommit=False) as connection:
            connection.execute("ALTER FUNCTION geometry_overlaps(geometry, geometry) NOT LEAKPROOF")
            connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(limited.role)))
            ((plan,),) = connection.execute("EXPLAIN (FORMAT JSON) SELECT fid FROM city.plot "
                                            "WHERE geom && ST_MakeEnvelope(116.25, 39.82, 116.256, 39.826, 4490)").fetchall()
            connection.rollback()
        assert '"Index Cond": "(geom && ' not in json.dumps(plan)
        assert '"Filter": "(geom && ' in json.dumps(plan)

    def test_a_leaking_function_is_not_marked(self, store: Store):
        with store.read() as connection:
            marked = {name for (name,) in connection.execute(
                "SELECT DISTINCT proname FROM pg_proc WHERE proleakproof AND proname = ANY (%s)",
                (["textlike", "texticlike", "jsonb_contains", "st_intersects", "geometry_overlaps", "range_contains_elem"],))}
        assert marked == {"geometry_overlaps", "range_contains_elem"}
