"""Pages: every row comes once and in order, whatever the order; cursors that are none are refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from layers.access import OWNER, Audience
from layers.errors import InvalidParameter
from layers.features import collection, count
from layers.layer import Layer
from layers.query import ItemQuery
from layers.store import Store
from tests.layers.odd_layers import make, put


@pytest.fixture(scope="module")
def many(store: Store) -> Layer:
    layer = make(store, "odd_many", "Point")
    put(store, layer, [{"fid": n, "version_id": n, "wkt": f"POINT({116.3 + n % 17 * 0.01} {39.85 + n % 13 * 0.01})",
                        "storeys": n % 5 if n % 7 else None, "name": f"n{n % 3}" if n % 4 else None, "height_m": n / 8, "is_listed": n % 2 == 0,
                        "built": date(2000, 1, 1 + n % 28), "seen": datetime(2020, 1, 1, 0, 0, n % 6, tzinfo=UTC)} for n in range(1, 138)])
    return layer


def ask(layer: Layer, audience: Audience = OWNER, **parts: Any) -> ItemQuery:
    return ItemQuery(layer, audience, **parts)


def pages(store: Store, query: ItemQuery) -> Iterator[list[dict[str, Any]]]:
    while True:
        page = collection(store, query)
        yield json.loads(page.body)
        if page.next is None:
            return
        query = replace(query, after=page.next)


class TestPages:
    SORTS = st.lists(st.tuples(st.sampled_from(["storeys", "name", "height_m", "is_listed", "built", "seen", "id", "valid_from", "valid_to"]),
                               st.booleans()), max_size=3, unique_by=lambda pair: pair[0])

    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(sort=SORTS, limit=st.sampled_from([1, 7, 10, 50, 136, 137, 500]), box=st.booleans(), interval=st.booleans(), known=st.booleans())
    def test_every_row_comes_once_and_in_order(self, store, many, sort, limit, box, interval, known):
        limit = max(limit, 5)       # pages of one would be many statements and nothing new
        query = ask(many, sortby=tuple(sort), limit=limit, bbox=(116.29, 39.8, 116.41, 40) if box else None,
                    interval=(None, None) if interval else None, known_at=1 if known else None)
        got = list(pages(store, query))
        assert all(len(page) == limit for page in got[:-1])
        seen = [f for page in got for f in page]
        inside = [n for n in range(1, 138) if not box or n % 17 <= 11]
        assert sorted(f["id"] for f in seen) == inside

        def key(found: dict[str, Any]) -> tuple[Any, ...]:
            parts: list[Any] = []
            for name, descending in sort:
                value = found["id"] if name == "id" else found["properties"][name]
                rank = _Descending(value) if descending else _Ascending(value)
                parts.append(rank)
            return (*parts, found["id"])

        assert seen == sorted(seen, key=key)

    def test_an_order_is_part_of_its_cursor(self, store, many):
        cursor = collection(store, ask(many, sortby=(("name", False),))).next
        for other in ((("name", True),), (), (("storeys", False),)):
            with pytest.raises(InvalidParameter) as caught:
                collection(store, ask(many, sortby=other, after=cursor))
            assert caught.value.parameter == "cursor"

    @pytest.mark.parametrize("cursor", ["", "x", "!!", "WyJpZCJd", "WzEsMl0", "e30", "WyJpZCIsImEiLDBd", "WyJpZCIsbnVsbCwwXQ", "WyJpZCIsIjFcdTAwMDAiLDBd", "é"])
    def test_what_is_no_cursor_is_refused(self, store, many, cursor):
        with pytest.raises(InvalidParameter) as caught:
            collection(store, ask(many, after=cursor))
        assert caught.value.parameter == "cursor"

    @pytest.mark.parametrize("name", ["codes", "extra", "geometry", "datetime", "nothing", "name; DROP TABLE x"])
    def test_what_has_no_order_is_refused(self, store, many, name):
        with pytest.raises(InvalidParameter) as caught:
            collection(store, ask(many, sortby=((name, False),)))
        assert caught.value.parameter == "sortby" and "storeys" in str(caught.value)

    def test_a_page_that_is_full_and_last_has_no_next(self, store, many):
        assert collection(store, ask(many, limit=137)).next is None
        assert collection(store, ask(many, limit=136)).next is not None

    def test_a_page_holds_something(self, store, many):
        for limit in (0, -1, None):
            with pytest.raises(InvalidParameter):
                collection(store, ask(many, limit=limit))

    def test_a_wide_box_is_walked_in_order(self, store, many, monkeypatch):
        monkeypatch.setattr("layers.features.WIDE", 20)
        query = ask(many, bbox=(116, 39, 117, 41), limit=10, sortby=(("storeys", True),))
        found = [f["id"] for page in pages(store, query) for f in page]
        monkeypatch.undo()
        assert found == [f["id"] for page in pages(store, query) for f in page] and len(found) == 137
        assert count(store, ask(many)) == 137 and count(store, ask(many), cap=100) == 100


class _Ascending:
    """Nulls last, as PostgreSQL's indexes have them."""

    def __init__(self, value: Any) -> None:
        self.rank = (value is None, value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Ascending) and self.rank == other.rank

    def __lt__(self, other: _Ascending) -> bool:
        return self.rank[0] < other.rank[0] if self.rank[0] or other.rank[0] else self.rank[1] < other.rank[1]


class _Descending(_Ascending):
    def __lt__(self, other: _Ascending) -> bool:
        return _Ascending.__lt__(other, self)
