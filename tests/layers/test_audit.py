"""The audit cannot be changed without a trace. The chain is recomputed here in Python, by its written form alone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from layers.audit import EVENTS, Actor, act, append, entries, record, verify
from layers.layer import parse_layer
from layers.plan import register
from layers.staging import Batch
from layers.store import Store

ANNA = Actor("anna", 7, "10.0.0.7", "req-7")
THING = {"id": "thing", "kind": "table", "title": {"zh": "物", "en": "Thing"}, "born": "runtime",
         "fields": [{"name": "name", "type": "string", "title": {"zh": "名", "en": "Name"}}]}


def hashes(store: Store) -> list[tuple[int, str, str]]:
    """(id, hash as kept, hash as it must be), from the description of the chain and nothing of the code under test."""
    before, found = bytes(32), []
    with store.read() as connection:
        rows = connection.execute("SELECT id, at, event, actor, account_id, address, request_id, layer, fid, seq, reason, succeeded, "
                                  "detail::text, hash FROM gis.audit ORDER BY id").fetchall()
    for row in rows:
        at = row[1].astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        text = json.dumps([row[0], at, *row[2:13]], ensure_ascii=False)
        before_and_this = hashlib.sha256(before + text.encode()).digest()
        found.append((row[0], row[13].hex(), before_and_this.hex()))
        before = row[13]
    return found


@pytest.fixture
def chain(empty_store: Store) -> Store:
    """A store with an audit of its own, of at least ten entries by anna."""
    for number in range(10):
        record(empty_store, ANNA, "export", layer="building", detail={"rows": number})
    return empty_store


@pytest.fixture
def tampering(chain: Store) -> Iterator[psycopg.Connection]:
    """A superuser's connection on which no trigger fires: what the chain is there to find."""
    with chain.connect() as connection:
        connection.execute("SET session_replication_role = replica")
        yield connection


class TestChain:
    def test_each_hash_covers_the_row_and_the_one_before(self, chain: Store):
        assert len(hashes(chain)) >= 10
        assert [(i, kept) for i, kept, _ in hashes(chain)] == [(i + 1, must) for i, (_, _, must) in enumerate(hashes(chain))]

    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(reason=st.none() | st.text(st.characters(blacklist_characters="\0", blacklist_categories=("Cs",)), max_size=40),
           detail=st.dictionaries(st.text(st.characters(min_codepoint=32, blacklist_categories=("Cs",)), max_size=5),
                                  st.none() | st.integers(-2**53, 2**53) | st.booleans(), max_size=3))
    def test_whatever_stands_in_a_row(self, store: Store, reason: str | None, detail: dict[str, Any]):
        record(store, ANNA, "personal_opened", layer="building", fid=3, reason=reason, detail=detail)
        number, kept, must = hashes(store)[-1]
        assert kept == must
        entry = entries(store, {}, 1)[0]
        assert (entry["id"], entry["reason"], entry["detail"]) == (number, reason, detail)

    def test_whole(self, chain: Store):
        verdict = verify(chain)
        last = hashes(chain)[-1]
        assert (verdict.broken_id, verdict.problem, verdict.head_id, verdict.head_hash) == (None, None, last[0], last[1])
        assert verdict.rows == len(hashes(chain))

    def test_one_chain_of_many_writers(self, chain: Store):
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(lambda n: record(chain, Actor(f"w{n}"), "export"), range(40)))
        assert verify(chain).broken_id is None
        assert all(kept == must for _, kept, must in hashes(chain))

    def test_what_is_rolled_back_leaves_no_gap(self, chain: Store):
        with pytest.raises(RuntimeError), act(chain, ANNA) as connection:
            append(connection, "export")
            raise RuntimeError
        record(chain, ANNA, "export")
        assert verify(chain).broken_id is None


class TestTampering:
    @pytest.mark.parametrize("statement", [
        "UPDATE gis.audit SET actor = 'eve'", "DELETE FROM gis.audit WHERE id = 3", "TRUNCATE gis.audit", "TRUNCATE gis.audit_head",
        "UPDATE gis.audit_head SET id = 1", "UPDATE gis.audit_head SET id = id + 1", "DELETE FROM gis.audit_head",
        "INSERT INTO gis.audit_head (only_one, id, hash) VALUES (false, 1, 'x')"])
    def test_refused_even_to_the_owner(self, chain: Store, statement: str):
        with chain.connect() as connection, pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.CheckViolation)):
            connection.execute(statement)
        assert verify(chain).broken_id is None

    def test_a_row_that_is_slipped_in_is_numbered_and_chained_like_any(self, chain: Store):
        with chain.connect() as connection:
            connection.execute("INSERT INTO gis.audit (id, at, event, actor, hash) VALUES (1, '1999-01-01', 'export', 'eve', 'x')")
        entry = entries(chain, {"actor": "eve"})[0]
        assert entry["id"] == verify(chain).head_id and entry["at"].year > 1999
        assert verify(chain).broken_id is None

    @pytest.mark.parametrize(("statement", "broken", "problem"), [
        ("UPDATE gis.audit SET actor = 'eve' WHERE id = {4}", 4, "changed"),
        ("UPDATE gis.audit SET reason = '' WHERE id = {4}", 4, "changed"),
        ("UPDATE gis.audit SET at = at + interval '1 us' WHERE id = {4}", 4, "changed"),
        ("UPDATE gis.audit SET detail = detail || '{{\"x\": 1}}' WHERE id = {4}", 4, "changed"),
        ("UPDATE gis.audit SET hash = sha256('x') WHERE id = {4}", 4, "changed"),
        ("DELETE FROM gis.audit WHERE id = {4}", 5, "rows {4} to {4} are missing before it"),
        ("DELETE FROM gis.audit WHERE id = {1}", 2, "rows {1} to {1} are missing before it"),
        ("DELETE FROM gis.audit WHERE id > {4}", 5, "are missing at the end"),
        ("TRUNCATE gis.audit", 1, "are missing at the end"),
        ("UPDATE gis.audit a SET event = b.event, layer = b.actor FROM gis.audit b WHERE a.id = {4} AND b.id = {6}", 4, "changed"),
        ("DELETE FROM gis.audit_head", 1, "the head is missing"),
    ])
    def test_the_first_broken_row_is_found(self, chain: Store, tampering: psycopg.Connection, statement: str, broken: int, problem: str):
        # Rows of the preparation stand before; {4} is the fourth of the whole chain.
        numbers = list(range(verify(chain).rows + 1))
        tampering.execute(statement.format(*numbers))
        verdict = verify(chain)
        assert verdict.broken_id == broken and problem.format(*numbers) in verdict.problem

    def test_a_row_rehashed_breaks_the_next(self, chain: Store, tampering: psycopg.Connection):
        tampering.execute("UPDATE gis.audit SET actor = 'eve' WHERE id = 4")
        must = {i: m for i, _, m in hashes(chain)}
        tampering.execute("UPDATE gis.audit SET hash = decode(%s, 'hex') WHERE id = 4", (must[4],))
        assert verify(chain).broken_id == 5

    def test_a_chain_rewritten_to_its_head_is_found_by_what_was_noted_elsewhere(self, chain: Store, tampering: psycopg.Connection):
        noted = [(i, kept) for i, kept, _ in hashes(chain)]
        tampering.execute("UPDATE gis.audit SET actor = 'eve' WHERE id = 6")
        for _ in noted:
            for number, kept, must in hashes(chain):
                if kept != must:
                    tampering.execute("UPDATE gis.audit SET hash = decode(%s, 'hex') WHERE id = %s", (must, number))
        tampering.execute("UPDATE gis.audit_head SET hash = (SELECT hash FROM gis.audit ORDER BY id DESC LIMIT 1)")
        assert verify(chain).broken_id is None
        assert verify(chain, [noted[4]]).broken_id is None
        assert verify(chain, [noted[-1], noted[6]]).broken_id == 7
        assert verify(chain, [(10**6, noted[0][1])]).broken_id == 10**6


class TestEntries:
    def test_filters(self, empty_store: Store):
        record(empty_store, ANNA, "export", layer="road", detail={"format": "gpkg"})
        record(empty_store, Actor("bert"), "personal_opened", layer="building", fid=5, reason="a tenant asked")
        record(empty_store, Actor("bert"), "login", succeeded=False)

        def found(**filters: Any) -> list[str]:
            return [e["event"] for e in entries(empty_store, {"actor": "bert", **filters})]

        assert found() == ["login", "personal_opened"]
        assert found(layer="building", fid=5) == ["personal_opened"]
        assert found(succeeded=False) == ["login"]
        assert found(event="login", succeeded=True) == []
        assert found(to=datetime(2001, 1, 1, tzinfo=UTC)) == [] and len(found(**{"from": datetime(2001, 1, 1, tzinfo=UTC)})) == 2
        newest = entries(empty_store, {}, 1)[0]["id"]
        assert [e["id"] for e in entries(empty_store, {"before": newest}, 2)] == [newest - 1, newest - 2]
        assert found(actor="x' OR true --") == []

    def test_only_known_events(self, store: Store):
        with pytest.raises(ValueError, match="no event"):
            record(store, ANNA, "sneezed")

    def test_every_event_has_a_title_in_both_languages(self):
        assert all(title.zh and title.en for title in EVENTS.values())

    def test_every_changeset_and_definition_is_written_down(self, empty_store: Store):
        layer = parse_layer(THING)
        register(empty_store, layer)
        with Batch(empty_store) as batch:
            first = batch.reserve_fids(2)
            batch.copy(layer, ["name"], [(i, "n", first + i, "[2000-01-01T00:00Z,)", "d", "s", None, "x") for i in range(2)])
            applied = batch.apply("carl", "found on site")
        edit, defined = entries(empty_store, {}, 2)
        assert (defined["event"], defined["layer"]) == ("layer_defined", "thing")
        assert (edit["event"], edit["actor"], edit["seq"], edit["reason"]) == ("edit", "carl", applied.seq, "found on site")
        assert edit["detail"] == {"kind": "edit", "undoes": None, "layers": {"thing": [2, 0]}}
        assert verify(empty_store).broken_id is None

    def test_an_edit_that_fails_is_not(self, empty_store: Store):
        before = verify(empty_store).rows
        with pytest.raises(psycopg.Error), empty_store.write() as connection:
            connection.execute("SELECT gis.open_changeset('carl', 'x')")
            connection.execute("SELECT 1 / 0")
        assert verify(empty_store).rows == before
