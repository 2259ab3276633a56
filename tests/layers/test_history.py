"""The two time axes against a model in plain Python: whatever is put, corrected, retired and undone, every answer agrees."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from layers.errors import Conflict, Rejected, UndoRefused
from layers.layer import Layer, parse_layer
from layers.plan import register
from layers.staging import Batch, raise_refusal
from layers.store import Store

THING = {"id": "thing", "kind": "table", "title": {"zh": "物", "en": "Thing"}, "born": "runtime",
         "fields": [{"name": "name", "type": "string", "title": {"zh": "名", "en": "Name"}}]}
FIRST, LAST = 2000, 2012
# A history of one feature in the model: for each year from FIRST to LAST-1 and for all time after, the name that holds.
History = tuple[str | None, ...]


@pytest.fixture(scope="module")
def thing(store: Store) -> Layer:
    layer = parse_layer(THING)
    register(store, layer)
    return layer


def year(number: int) -> datetime:
    return datetime(number, 1, 1, tzinfo=UTC)


def span(start: int | None, stop: int | None) -> str:
    return f"[{year(start).isoformat() if start else ''},{year(stop).isoformat() if stop else ''})"


def write(store: Store, layer: Layer, op: str, fid: int, valid: str, name: str | None = None, expected: int | None = None,
          precision: str = "yy") -> int:
    with Batch(store) as batch:
        batch.copy(layer, ["name"], [(0, op, fid, valid, precision[0], precision[1], expected, name)])
        return batch.apply("tester", "a test").seq


def undo(store: Store, seq: int) -> int:
    try:
        with store.write() as connection:
            return connection.execute("SELECT gis.undo_changeset(%s, 'tester', 'undo')", (seq,)).fetchone()[0]
    except psycopg.Error as error:
        raise_refusal(error)
        raise


def held(store: Store, fid: int, known_at: int | None = None) -> History:
    """What the store says held in each year, read by the definition of the two axes and nothing of the code under test."""
    with store.read() as connection:
        rows = connection.execute(
            "SELECT valid, name, seq_from, NULL::bigint FROM city.thing WHERE fid = %(fid)s "
            "UNION ALL SELECT valid, name, seq_from, seq_to FROM city.thing_past WHERE fid = %(fid)s", {"fid": fid}).fetchall()
    answer: list[str | None] = []
    for at in range(FIRST, LAST + 1):
        names = [name for valid, name, start, stop in rows if year(at) in valid
                 and (stop is None if known_at is None else start <= known_at and (stop is None or known_at < stop))]
        assert len(names) <= 1, f"two truths in {at}"
        answer.append(names[0] if names else None)
    return tuple(answer)


def changed(history: History, start: int, stop: int | None, name: str | None) -> History:
    return tuple(name if start <= at and (stop is None or at < stop) else was
                 for at, was in zip(range(FIRST, LAST + 1), history, strict=True))


def until_next_change(store: Store, fid: int, start: int) -> int | None:
    """The first version boundary after a year, from the versions themselves."""
    with store.read() as connection:
        bounds = [b for row in connection.execute("SELECT lower(valid), upper(valid) FROM city.thing WHERE fid = %s", (fid,))
                  for b in row if b is not None and b > year(start)]
    return min(bounds).year if bounds else None


years = st.integers(FIRST, LAST - 1)
steps = st.lists(st.one_of(
    st.tuples(st.just("put"), years, st.none()),
    st.tuples(st.just("correct"), years, st.integers(1, 6)),
    st.tuples(st.just("retire"), years, st.none()),
    st.tuples(st.just("undo"), st.integers(0, 5), st.none())), min_size=1, max_size=12)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=steps)
def test_every_moment_on_both_axes(store: Store, thing: Layer, steps: list[tuple[str, int, int | None]]) -> None:
    with Batch(store) as batch:
        fid = batch.reserve_fids(1)
    history = changed((None,) * (LAST - FIRST + 1), 2003, None, "first")
    known = {write(store, thing, "n", fid, span(2003, None), "first"): history}
    for number, (kind, a, b) in enumerate(steps):
        name, before = f"name {number}", history
        try:
            if kind == "undo":
                target = sorted(known)[-1 - a % len(known)]
                earlier = [s for s in known if s < target]
                seq = undo(store, target)
                # Allowed only where nothing stands on it: then the state is what it was before, for the time it touched.
                if target == max(known):
                    history = known[max(earlier)] if earlier else (None,) * len(history)
                else:
                    history = held(store, fid)
            elif kind == "put":
                stop = until_next_change(store, fid, a)
                seq = write(store, thing, "p", fid, span(a, None), name)
                history = changed(history, a, stop, name)
            elif kind == "correct":
                seq = write(store, thing, "c", fid, span(a, a + b), name)
                history = changed(history, a, a + b, name)
            else:
                seq = write(store, thing, "r", fid, span(a, None))
                history = changed(history, a, None, None)
        except Rejected as refused:
            # Only a feature of which nothing is left may not be edited.
            assert [f.code for f in refused.faults] == ["unknown"] and not any(before)
            continue
        except UndoRefused as refused:
            assert refused.dependents and held(store, fid) == before
            continue
        known[seq] = history
        assert held(store, fid) == history
    for seq, then in known.items():
        assert held(store, fid, seq) == then, f"what was known at {seq} has changed"


def test_remainders_keep_content_and_precision(store: Store, thing: Layer) -> None:
    with Batch(store) as batch:
        fid = batch.reserve_fids(1)
    write(store, thing, "n", fid, span(1985, None), "old", precision="ys")
    write(store, thing, "c", fid, "[1990-06-01T00:00Z,1995-07-15T00:00Z)", "mended", precision="md")
    with store.read() as connection:
        rows = connection.execute("SELECT lower(valid), upper(valid), begin_precision, end_precision, name FROM city.thing "
                                  "WHERE fid = %s ORDER BY valid", (fid,)).fetchall()
    assert [(r[2], r[3], r[4]) for r in rows] == [("y", "m", "old"), ("m", "d", "mended"), ("d", "s", "old")]
    assert rows[0][1] == rows[1][0] == datetime(1990, 6, 1, tzinfo=UTC)
    assert rows[2][1] is None


def test_a_planned_future_survives_a_put_before_it(store: Store, thing: Layer) -> None:
    with Batch(store) as batch:
        fid = batch.reserve_fids(1)
    write(store, thing, "n", fid, span(2000, None), "today")
    write(store, thing, "p", fid, span(2030, None), "planned")
    write(store, thing, "p", fid, span(2010, None), "repaired")
    with store.read() as connection:
        rows = connection.execute("SELECT extract(year FROM lower(valid))::int, name FROM city.thing WHERE fid = %s ORDER BY valid",
                                  (fid,)).fetchall()
    assert rows == [(2000, "today"), (2010, "repaired"), (2030, "planned")]


def test_undo_names_what_depends_and_undo_of_undo_brings_back(store: Store, thing: Layer) -> None:
    with Batch(store) as batch:
        fid = batch.reserve_fids(1)
    write(store, thing, "n", fid, span(2000, None), "a")
    second = write(store, thing, "p", fid, span(2005, None), "b")
    third = write(store, thing, "p", fid, span(2007, None), "c")
    with pytest.raises(UndoRefused) as refused:
        undo(store, second)
    assert refused.value.dependents == [{"layer": "thing", "fid": fid, "seq": third}]
    back = undo(store, third)
    assert held(store, fid)[8] == "b"
    undo(store, back)
    assert held(store, fid)[8] == "c"
    with pytest.raises(UndoRefused):
        undo(store, back)


def test_plain_sql_cannot_make_two_truths(store: Store, thing: Layer) -> None:
    with Batch(store) as batch:
        fid = batch.reserve_fids(1)
    write(store, thing, "n", fid, span(2000, None), "a")
    with pytest.raises(psycopg.errors.ExclusionViolation), store.write() as connection:
        connection.execute("INSERT INTO city.thing (version_id, fid, valid, begin_precision, end_precision, seq_from, name) "
                           "VALUES (nextval('gis.version'), %s, '[2005-01-01,2006-01-01)', 'y', 'y', 1, 'b')", (fid,))
    with pytest.raises(psycopg.errors.CheckViolation), store.write() as connection:
        connection.execute("UPDATE city.thing SET valid = tstzrange(lower(valid), '2020-01-01', '[]') WHERE fid = %s", (fid,))


def test_two_writers_of_one_version_make_one_conflict_and_numbers_without_gaps(store: Store, thing: Layer) -> None:
    with Batch(store) as batch:
        fid = batch.reserve_fids(1)
    write(store, thing, "n", fid, span(2000, None), "a")
    with store.read() as connection:
        version = connection.execute("SELECT version_id FROM city.thing WHERE fid = %s", (fid,)).fetchone()[0]
    outcomes: list[Any] = []
    start = threading.Barrier(4)

    def edit(name: str) -> None:
        start.wait()
        try:
            outcomes.append(write(store, thing, "p", fid, span(2005, None), name, version))
        except Conflict as conflict:
            outcomes.append(conflict)

    threads = [threading.Thread(target=edit, args=(f"writer {i}",)) for i in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sum(isinstance(o, int) for o in outcomes) == 1
    assert all(o.expected == version and o.current != version for o in outcomes if isinstance(o, Conflict))
    with store.read() as connection:
        assert connection.execute("SELECT count(*) = max(seq) FROM gis.changeset").fetchone()[0]


def test_one_changeset_may_not_say_two_things_of_one_time(store: Store, thing: Layer) -> None:
    with Batch(store) as batch:
        fid = batch.reserve_fids(1)
        batch.copy(thing, ["name"], [(0, "n", fid, span(2000, 2010), "y", "y", None, "a"),
                                     (1, "n", fid, span(2005, None), "y", "s", None, "b")])
        with pytest.raises(Rejected) as rejected:
            batch.apply("tester", None)
    assert [(f.code, f.row) for f in rejected.value.faults] == [("span", 1)]


def test_what_a_killed_process_staged_is_swept(store: Store, thing: Layer) -> None:
    left = Batch(store)
    left.copy(thing, ["name"], [(0, "n", left.reserve_fids(1), span(2000, None), "y", "s", None, "left")])
    at_work = Batch(store)
    at_work.copy(thing, ["name"], [(0, "n", at_work.reserve_fids(1), span(2000, None), "y", "s", None, "at work")])
    left._connection.close()  # as kill -9 does
    assert Batch.sweep(store) == 1
    with at_work:
        assert at_work.apply("tester", None).seq > 0


def test_what_was_planned_comes_true_without_an_edit(store: Store, thing: Layer) -> None:
    """Three features as of a moved clock: planned, open-ended and true, announced to end."""
    with Batch(store) as batch:
        first = batch.reserve_fids(3)
        batch.copy(thing, ["name"], [(0, "n", first, span(2000, None), "y", "s", None, "stands"),
                                     (1, "n", first + 1, span(2000, 2030), "y", "y", None, "announced"),
                                     (2, "n", first + 2, span(2029, None), "y", "s", None, "planned")])
        batch.apply("tester", None)

    def standing(at: int) -> set[str]:
        with store.read() as connection:
            return {n for (n,) in connection.execute("SELECT name FROM city.thing WHERE fid >= %s AND valid @> %s", (first, year(at)))}

    assert standing(2026) == {"stands", "announced"}
    assert standing(2029) == {"stands", "announced", "planned"}
    assert standing(2030) == {"stands", "planned"}
