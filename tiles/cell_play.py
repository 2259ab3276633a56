"""Cells of an interval: squares with `valid_from` and `valid_to`, each as long as it looks the same.

They are kept as runs (layers/sql/185_cell_runs.sql), so a tile that plays forty years takes no longer than one of a day. Where a tile
would hold more of them than MOST_RUNS_A_TILE each cell is looked at in steps of the interval instead; so is a cell in which a change
waits to be summed up, and one whose districts the reader does not see all of.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql import ColumnElement, FromClause

from layers.cql2 import parameter
from layers.cql2.tree import array_literal
from layers.filters import SCHEMA
from layers.layer import Layer
from layers.query import ItemQuery
from tiles.cell_counts import element, in_reach, is_area, level_of, run_of_cells, waiting_cells

__all__ = ["STEPS", "merged", "most_at_once", "odd_cells", "played", "step_values"]

# An interval is looked at in so many steps where it has to be, and cover in steps of so many percent: more cannot be told apart while it plays.
STEPS, COVER_STEP = 24, 10
# A run weighs some 40 bytes in a tile, and its times up to 20 more.
MOST_RUNS_A_TILE = 8_000


def step_values(query: ItemQuery, steps: int = STEPS) -> dict[str, str | None]:
    """Return the parameters of an interval: its ends and steps as seconds since 1970, and which reader's runs are asked."""
    begin, end = query.interval or (None, None)
    now = datetime.now(UTC)
    first = begin or min(datetime(1980, 1, 1, tzinfo=UTC), end or now)
    last = end or max(now + timedelta(days=3653), first + timedelta(days=1))
    span = (last - first).total_seconds() / steps
    at = [first.timestamp() + span * n for n in range(steps)]
    return {"steps": array_literal([repr(t) for t in at]), "is_whole": str(query.audience.sees_whole(query.layer.id)).lower(),
            "most_runs": str(MOST_RUNS_A_TILE * steps // STEPS),
            "from_s": "-Infinity" if begin is None else repr(begin.timestamp()), "to_s": "Infinity" if end is None else repr(end.timestamp()),
            "begins": _with_nulls([None if begin is None else at[0], *at[1:]]), "ends": _with_nulls([*at[1:], None if end is None else last.timestamp()])}


def _with_nulls(numbers: list[float | None]) -> str:
    return "{" + ",".join("NULL" if n is None else str(round(n)) for n in numbers) + "}"


def _runs_here(layer: Layer, has_class: bool) -> sa.CTE:
    """Return the runs of the tile's cells as the reader may see them, one row for each cell and part of it."""
    of = "class_" if has_class else ""
    table = sa.table(f"{layer.id}_cell_run", sa.column("level"), sa.column("cell", sa.BigInteger()), sa.column("whole", sa.Boolean()),
                     sa.column("part", sa.Boolean()), sa.column(f"{of}at", ARRAY(sa.Double())), sa.column(f"{of}n", ARRAY(sa.BigInteger())),
                     sa.column(f"{of}look", ARRAY(sa.SmallInteger())), sa.column("class", ARRAY(sa.Text())), schema=SCHEMA).alias("k")
    run, is_whole = run_of_cells("low", "high", "r"), parameter("is_whole", "boolean")
    columns = [table.c.cell, *(table.c[of + name].label(name) for name in ("at", "n", "look")), *([table.c["class"]] if has_class else [])]
    return sa.select(*columns).select_from(sa.join(run, table, table.c.cell.between(run.c.low, run.c.high))).where(
        table.c.level == level_of(), sa.or_(sa.and_(is_whole, table.c.whole), sa.and_(sa.not_(is_whole), table.c.part)),
        *in_reach(table.c.cell)).cte("here").prefix_with("MATERIALIZED")


def most_at_once(layer: Layer) -> sa.Select[Any]:
    """Return about how many features the tile's cells ever held at one time, as far as they are summed up."""
    here = _runs_here(layer, False)
    n = sa.func.unnest(here.c.n).table_valued("n", name="u").render_derived()
    most = sa.select(sa.func.max(n.c.n).label("n")).select_from(n).correlate(here).lateral("most")
    return sa.select(sa.cast(sa.func.sum(most.c.n), sa.Text())).select_from(sa.join(here, most, sa.true()))


def odd_cells(layer: Layer, here: sa.CTE) -> sa.CTE:
    """Return the cells whose runs do not say it all."""
    several = sa.select(here.c.cell).group_by(here.c.cell).having(sa.func.count() > sa.literal_column("1"))
    return sa.union(waiting_cells(layer), several).cte("odd").prefix_with("MATERIALIZED")


def played(layer: Layer, has_class: bool, in_steps: Any) -> FromClause:
    """Return the squares of an interval: cell, class, n, cover, valid_from, valid_to. `in_steps(odd)` gives those of the odd cells."""
    here = _runs_here(layer, has_class)
    odd = odd_cells(layer, here)
    kinds = ["class"] if has_class else []
    arrays = [here.c.at, here.c.at[sa.literal_column("2"):sa.literal_column("2147483647")], here.c.n, here.c.look, *(here.c[k] for k in kinds)]
    run = sa.func.unnest(*arrays).table_valued("begins", "ends", "n", "look", *kinds, name="run").render_derived()
    is_plain = here.c.cell.not_in(sa.select(odd.c.cell))
    each = sa.select(here.c.cell, run.c.begins, run.c.ends, run.c.n, run.c.look, *(run.c[k] for k in kinds)).select_from(
        sa.join(here, run, sa.true())).where(
        is_plain, run.c.n > sa.literal_column("0"), run.c.begins < parameter("to_s", "number"),
        sa.or_(run.c.ends.is_(sa.null()), run.c.ends > parameter("from_s", "number"))).cte("each").prefix_with("MATERIALIZED")
    is_few = sa.select(sa.func.count() <= parameter("most_runs", "integer")).select_from(each).scalar_subquery()
    begin = sa.cast(sa.func.nullif(each.c.begins, sa.literal_column("'-Infinity'::float8")), sa.BigInteger())
    exact = sa.select(each.c.cell, *(each.c[k] for k in kinds), each.c.n, _cover(each.c.look), begin.label("valid_from"),
                      sa.cast(each.c.ends, sa.BigInteger()).label("valid_to")).where(is_few)
    return sa.union_all(exact, _sampled(here, is_plain, is_few, kinds), sa.select(in_steps(odd))).subquery("played")


def _sampled(here: sa.CTE, is_plain: ColumnElement[bool], is_few: Any, kinds: list[str]) -> sa.Select[Any]:
    """Look at each cell in steps: what several of them find the same is one square."""
    steps = sa.func.unnest(parameter("steps", "number[]")).table_valued("at", with_ordinality="step", name="t").render_derived()
    index = sa.func.width_bucket(steps.c.at, here.c.at)
    found = sa.select(here.c.cell, index.label("i"), sa.func.min(steps.c.step).label("first"), sa.func.max(steps.c.step).label("last")).select_from(
        sa.join(here, steps, sa.true())).where(is_plain, sa.not_(is_few)).group_by(here.c.cell, index).subquery("found")
    i = found.c.i
    return sa.select(here.c.cell, *(here.c[k][i].label(k) for k in kinds), here.c.n[i].label("n"), _cover(here.c.look[i]), _time("begins", found.c.first),
                     _time("ends", found.c.last)).select_from(sa.join(found, here, found.c.cell == here.c.cell)).where(
        here.c.n[i] > sa.literal_column("0"))


def _cover(look: ColumnElement[Any]) -> ColumnElement[Any]:
    return sa.cast(look, sa.Integer()).label("cover")


def _time(name: str, step: ColumnElement[Any]) -> ColumnElement[Any]:
    return element(parameter(name, "integer[]"), sa.BigInteger(), sa.cast(step, sa.Integer())).label({"begins": "valid_from", "ends": "valid_to"}[name])


def merged(layer: Layer, picked: FromClause, has_class: bool) -> sa.Select[Any]:
    """Make one square of the steps that follow each other and look the same."""
    step = sa.literal_column(str(COVER_STEP))
    if is_area(layer):
        look: ColumnElement[Any] = sa.cast(sa.func.ceil(sa.cast(picked.c.cover, sa.Double()) / step), sa.Integer()) * step
    else:
        look = sa.cast(sa.func.round(sa.func.log(picked.c.n) * step), sa.Integer())
    looks = [picked.c.cell, *([picked.c["class"]] if has_class else []), look.label("look")]
    island = (picked.c.step - sa.func.row_number().over(partition_by=[*looks[:-1], look], order_by=picked.c.step)).label("island")
    marked = sa.select(*looks, picked.c.step, picked.c.n, island).subquery("marked")
    same = [c for c in marked.c if c.name not in ("step", "n")]
    return sa.select(*[c for c in same if c.name not in ("island", "look")], sa.func.max(marked.c.n).label("n"), marked.c.look.label("cover"),
                     _time("begins", sa.func.min(marked.c.step)), _time("ends", sa.func.max(marked.c.step))).group_by(*same)
