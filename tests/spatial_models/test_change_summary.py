"""Summaries of changes: worked by hand, against plain SQL, and against counting day by day."""

from __future__ import annotations

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layers.access import LayerGrant
from layers.catalogue import Catalogue
from layers.errors import InvalidParameter
from layers.store import Store
from spatial_models.change_summary import change_summary, periods
from spatial_models.faults import InvalidInputs
from spatial_models.frames import Frame
from spatial_models.jobs import Asker, run_now
from tests.spatial_models.conftest import Put, at, building, make_asker

KEYS = ("built", "ended", "entered", "left", "standing")


def span(begin: str, end: str = "") -> str:
    return f"[{begin}T00:00Z,{end}{'T00:00Z' if end else ''})"


@pytest.fixture(scope="module", autouse=True)
def town(store: Store, put: Put) -> None:
    """A street's life from 1998 to 2003."""
    (moving, changing) = put("building", [
        building(at(0, 0), name="street", span=span("1990-05-01", "2001-01-01")),              # changes its use on a period's bound
        building(at(20, 0), name="street", span=span("1999-06-01", "2000-03-01"))])            # changes its district
    put("building", [
        building(at(0, 0), name="street", span=span("2001-01-01", "2002-07-01"), fid=moving, use="office"),
        building(at(20, 0), name="street", span=span("2000-03-01"), fid=changing, district_code="110102"),
        building(at(40, 0), name="street", span=span("2000-01-01", "2000-12-31")),             # comes and goes within a year
        building(at(60, 0), name="street", span=span("2001-01-01")),                           # begins on a bound
        building(at(80, 0), name="street", span=span("1995-01-01", "2000-01-01")),             # ends on a bound
        building(at(100, 0), name="street", span=span("2030-01-01")),                          # planned
        building(at(120, 0), name="street", span=span("1980-01-01", "1990-01-01"))])           # long gone


def ask(store: Store, catalogue: Catalogue, asker: Asker, **inputs: object) -> dict:
    given = {"layer": "building", "begin": "1998", "end": "2003", "filter": "name = 'street'", **inputs}
    return orjson.loads(run_now(store, catalogue, asker, "change-summary", given).body)


def table(found: dict) -> list[tuple[int, ...]]:
    return [tuple(row[key] for key in KEYS) for row in found["periods"]]


class TestByHand:
    def test_year_by_year(self, store, catalogue, asker):
        found = ask(store, catalogue, asker)
        assert [row["period"] for row in found["periods"]] == ["1998", "1999", "2000", "2001", "2002", "2003"]
        assert found["standing_before"] == 2
        assert table(found) == [  # built, ended, entered, left, standing
            (0, 0, 0, 0, 2), (1, 0, 0, 0, 3), (1, 2, 0, 0, 2), (1, 0, 0, 0, 3), (0, 1, 0, 0, 2), (0, 0, 0, 0, 2)]
        assert found["totals"] == {"built": 3, "ended": 3, "entered": 0, "left": 0}

    def test_in_a_district(self, store, catalogue, asker):
        assert table(ask(store, catalogue, asker, begin="1999", end="2001", district="110102")) == [
            (0, 0, 0, 0, 0), (0, 0, 1, 0, 1), (0, 0, 0, 0, 1)]
        assert table(ask(store, catalogue, asker, begin="1999", end="2001", district="110101")) == [
            (1, 0, 0, 0, 3), (1, 2, 0, 1, 1), (1, 0, 0, 0, 2)]

    def test_month_by_month(self, store, catalogue, asker):
        found = ask(store, catalogue, asker, begin="1999-11", end="2000-04", step="month")
        assert [row["period"] for row in found["periods"]] == ["1999-11", "1999-12", "2000-01", "2000-02", "2000-03", "2000-04"]
        assert table(found) == [(0, 0, 0, 0, 3), (0, 0, 0, 0, 3), (1, 1, 0, 0, 3), (0, 0, 0, 0, 3), (0, 0, 0, 0, 3), (0, 0, 0, 0, 3)]
        assert len(ask(store, catalogue, asker, begin="1999", end="2000", step="month")["periods"]) == 24

    def test_a_filter_says_what_counts(self, store, catalogue, asker):
        """What becomes an office, is built as an office."""
        assert table(ask(store, catalogue, asker, begin="2001", end="2002", filter="name = 'street' AND use = 'office'")) == [
            (1, 0, 0, 0, 1), (0, 1, 0, 0, 0)]

    def test_the_future(self, store, catalogue, asker):
        assert table(ask(store, catalogue, asker, begin="2029", end="2030")) == [(0, 0, 0, 0, 2), (1, 0, 0, 0, 3)]

    def test_nothing(self, store, catalogue, asker):
        found = ask(store, catalogue, asker, layer="road", filter=None)
        assert table(found) == [(0, 0, 0, 0, 0)] * 6 and found["standing_before"] == 0


@pytest.mark.parametrize(("inputs", "named"), [
    ({"begin": "85"}, "begin"), ({"begin": "1999-13"}, "begin"), ({"begin": "0000"}, "begin"), ({"end": "1990"}, "end"), ({"begin": "1998-01"}, "begin"),
    ({"begin": "0001", "end": "9000"}, "end"), ({"step": "week"}, "step"), ({"begin": 1998}, "begin"), ({"district": 110101}, "district"),
    ({"layer": "imagery"}, "layer"), ({"layer": "castle"}, "layer"), ({"from": "1998"}, "from")])
def test_wrong_inputs_are_named(store, catalogue, asker, inputs, named):
    with pytest.raises(InvalidInputs) as refused:
        ask(store, catalogue, asker, **inputs)
    assert refused.value.parameter == named


def test_who_does_not_see_districts_cannot_ask_by_them(store, catalogue):
    blind = make_asker(store, "blind", grants=[LayerGrant("road", fields=("name",))])
    with pytest.raises(InvalidInputs, match="not told apart by district"):
        ask(store, catalogue, blind, layer="road", filter=None, district="110101")


def test_a_wrong_filter_is_named(store, catalogue, asker):
    with pytest.raises(InvalidParameter) as refused:
        ask(store, catalogue, asker, filter="colour = 'red'")
    assert refused.value.parameter == "filter"


def test_as_plain_sql(store, catalogue, asker, put):
    """400 lives of up to three versions, counted by PostgreSQL's multiranges."""
    dice = np.random.default_rng(3)
    cuts = np.sort(np.datetime64("1985-01-01") + dice.integers(0, 14_000, (400, 4)).astype("timedelta64[D]"), axis=1)
    keep = dice.random((400, 3)) < 0.8                       # some have gaps
    keep[:, 1] |= ~keep.any(axis=1)
    fids = put("building", [building(at(0, 0), name="life", span=span("1900-01-01", "1900-01-02")) for _ in cuts])
    rows = [building(at(0, 0), name="life", fid=fids[i], span=span(str(cuts[i][n]), str(cuts[i][n + 1])))
            for i in range(400) for n in range(3) if keep[i][n] and cuts[i][n] < cuts[i][n + 1]]
    put("building", rows)
    with store.read() as connection:
        expected = connection.execute("""
            WITH life AS (SELECT fid, unnest(range_agg(valid)) AS span FROM city.building WHERE name = 'life' GROUP BY fid),
                 year AS (SELECT make_timestamptz(y, 1, 1, 0, 0, 0, 'UTC') AS a, make_timestamptz(y + 1, 1, 1, 0, 0, 0, 'UTC') AS z
                          FROM generate_series(1990, 2015) y)
            SELECT count(*) FILTER (WHERE lower(span) >= a AND lower(span) < z), count(*) FILTER (WHERE upper(span) >= a AND upper(span) < z), 0, 0,
                   count(*) FILTER (WHERE span @> z - interval '1 microsecond')
            FROM year, life GROUP BY a ORDER BY a""").fetchall()
    assert table(ask(store, catalogue, asker, begin="1990", end="2015", filter="name = 'life'")) == expected


VERSIONS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 40), st.integers(1, 12), st.booleans()), max_size=14)


@given(VERSIONS)
@settings(max_examples=200, deadline=None)
def test_as_counted_day_by_day(drawn):
    """Every day of two years is looked at on its own."""
    day = np.datetime64("2000-01-01", "us")
    taken: dict[int, int] = {}
    versions = []
    for fid, gap, length, inside in drawn:
        begin = taken.get(fid, 0) + gap * 20 * (gap > 8)      # often without a gap
        taken[fid] = begin + length * 20
        versions.append((fid, begin, taken[fid], inside))
    frame = Frame(4548, np.array([v[0] for v in versions], "int64"), np.full(len(versions), None, object), {},
                  np.array([day + np.timedelta64(v[1], "D") for v in versions], "M8[us]"), np.array([day + np.timedelta64(v[2], "D") for v in versions], "M8[us]"))
    bounds = periods("2000", "2001", "year")
    found = change_summary(frame, bounds, np.array([v[3] for v in versions], bool))

    def state(fid: int, moment: int) -> bool | None:
        return next((inside for f, begin, end, inside in versions if f == fid and begin <= moment < end), None)

    ends = [int((b - day) / np.timedelta64(1, "D")) for b in bounds]
    for period, (first, last) in enumerate(zip(ends, ends[1:], strict=False)):
        counted = dict.fromkeys(KEYS, 0)
        for fid in range(5):
            for moment in range(first, last):
                before, now = state(fid, moment - 1), state(fid, moment)
                counted["built"] += now is True and before is None
                counted["ended"] += before is True and now is None
                counted["entered"] += now is True and before is False
                counted["left"] += before is True and now is False
            counted["standing"] += state(fid, last - 1) is True
        assert {key: found[key][period] for key in KEYS} == counted
    before = [*found["standing_before"], *found["standing"]]
    assert all(before[n + 1] == before[n] + found["built"][n] - found["ended"][n] + found["entered"][n] - found["left"][n] for n in range(2))
