"""How much changes when: beginnings, ends and changes of versions by year, month or day, in some layers and a box."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Literal, NamedTuple

import sqlalchemy as sa

from layers.cql2 import parameter
from layers.filters import Shape, question, source, where
from layers.query import ItemQuery
from layers.statement import SameLayer, Statement, compiled, run, storage_srid
from layers.store import Store

__all__ = ["MOST_PERIODS", "Counts", "Period", "change_counts", "periods_between", "whole"]

Period = Literal["year", "month", "day"]
MOST_PERIODS = 2_000


class Counts(NamedTuple):
    """How many features began (their first version, or the first after a gap), ended, and went on as another version."""

    built: int
    ended: int
    changed: int


def periods_between(begin: datetime, end: datetime, period: Period) -> int:
    """Return how many periods two moments are apart, at most (for a limit)."""
    return int((end - begin) / timedelta(days={"year": 365, "month": 28, "day": 1}[period])) + 1


def change_counts(store: Store, queries: Iterable[ItemQuery], begin: datetime, end: datetime, period: Period) -> dict[date, Counts]:
    """Count what changes from one moment and before another, by the period it falls into (UTC); periods without change are absent.

    Of each question layer, audience, bbox, known_at and filter count. Raises what reading raises.
    """
    total: dict[date, Counts] = {}
    storage = storage_srid(store)
    for query in queries:
        # A version that ends where another begins is only seen if the one before is looked at too.
        shape, values = question(ItemQuery(query.layer, query.audience, bbox=query.bbox, bbox_srid=query.bbox_srid, known_at=query.known_at,
                                           filter=query.filter, interval=(begin - timedelta(microseconds=1), end)), storage)
        values |= {"first": begin.isoformat(), "last": end.isoformat(), "period": period}
        for day, *counts in run(store, query.audience.role, _statement(SameLayer(query.layer), shape), values, prepare=False):
            on = date.fromisoformat((day or b"").decode())
            found = total.get(on, Counts(0, 0, 0))
            total[on] = Counts(*(a + int(b or 0) for a, b in zip(found, counts, strict=True)))
    return dict(sorted(total.items()))


@lru_cache(maxsize=500)
def _statement(same: SameLayer, shape: Shape) -> Statement:
    base = source(same.layer, shape)
    begins, ends = sa.func.lower(base.c.valid).label("begins"), sa.func.upper(base.c.valid).label("ends")
    order = {"partition_by": base.c.fid, "order_by": sa.func.lower(base.c.valid)}
    v = sa.select(begins, ends, sa.func.lag(sa.func.upper(base.c.valid)).over(**order).label("before"),
                  sa.func.lead(sa.func.lower(base.c.valid)).over(**order).label("after")).where(*where(shape, base)).subquery("v")
    first, last = parameter("first", "timestamp"), parameter("last", "timestamp")
    goes_on = v.c.before.bool_op("IS NOT DISTINCT FROM")(v.c.begins)
    began = sa.select(v.c.begins.label("at"), sa.case((goes_on, sa.literal_column("'changed'")), else_=sa.literal_column("'built'")).label("kind")
                      ).where(v.c.begins >= first, v.c.begins < last)
    ended = sa.select(v.c.ends.label("at"), sa.literal_column("'ended'").label("kind")).where(
        v.c.ends >= first, v.c.ends < last, v.c.after.bool_op("IS DISTINCT FROM")(v.c.ends))
    e = sa.union_all(began, ended).subquery("e")
    utc = sa.func.timezone(sa.literal_column("'UTC'"), e.c.at)
    on = sa.cast(sa.cast(sa.func.date_trunc(parameter("period", "text"), utc), sa.Date()), sa.Text())
    return compiled(sa.select(on, *(sa.func.count().filter(e.c.kind == sa.literal_column(f"'{kind}'")) for kind in Counts._fields)
                              ).group_by(sa.literal_column("1")))


def whole(counts: Iterable[Counts]) -> Counts:
    """Return the sum of counts."""
    return Counts(*(sum(parts) for parts in zip(*counts, strict=True))) if (counts := list(counts)) else Counts(0, 0, 0)
