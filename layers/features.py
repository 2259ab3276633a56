"""Reading features: a page, one, how many, all in a row, all versions of one.

Every answer comes from one statement, made once for each shape of question and prepared where its plan does not depend on
the values. A page of a bbox is collected by the spatial index and then sorted; only where more than WIDE features are
in it, PostgreSQL chooses from its statistics whether to walk in the order of the page instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import orjson
import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql import FromClause, Select
from sqlalchemy.sql.selectable import SelectBase

from layers import feature_text as text
from layers.cql2 import parameter
from layers.cursor import Cursor, read_cursor
from layers.errors import Gone, InvalidParameter, UnknownFeature
from layers.filters import VERSION_COLUMNS, Shape, both_tables, columns_of, question, source, where
from layers.layer import Layer
from layers.moments import format_moment
from layers.order import Key, after, as_text, order_by, order_of
from layers.query import ItemQuery
from layers.statement import SameLayer, Statement, asking, compiled, run, storage_srid
from layers.store import Store

__all__ = ["FeatureText", "GeometryForm", "Page", "collection", "count", "feature", "rows", "versions"]

# Above so many features in a bbox, sorting them all may cost more than walking in the order of the page.
WIDE = 20_000
BATCH_ROWS = 2_000
# Page sizes that stand in the statement: PostgreSQL then keeps the plan it made. Of an unknown size it would think ill.
USUAL_LIMITS = frozenset({1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1_000, 2_000, 5_000, 10_000})
SEQ = sa.literal_column("(SELECT coalesce(max(seq), 0) FROM gis.changeset)")

GeometryForm = Literal["wkt", "wkb", "geojson"]
_FORMS = {"wkt": "ST_AsText({0}, {1})", "wkb": "ST_AsBinary({0})", "geojson": "ST_AsGeoJSON({0}, {1}, 0)::json"}


@dataclass(frozen=True)
class Page:
    """A page of features: the text of a JSON array, how many they are, the cursor of the next page, the snapshot's number."""

    body: bytes
    returned: int
    next: str | None
    seq: int


@dataclass(frozen=True)
class FeatureText:
    """One feature as GeoJSON text, its version, the snapshot's number."""

    body: bytes
    version_id: int
    seq: int


class _Form(NamedTuple):
    """What an answer's text depends on beside its shape."""

    names: tuple[str, ...]
    storage_srid: int
    srid: int
    flip: bool
    geometry: bool


def _suspect(query: ItemQuery) -> str:
    """Return the parameter to blame for what cannot be computed: without a filter only geometries are computed with."""
    return "crs" if query.filter is None else "filter"


def _form(query: ItemQuery, storage: int) -> _Form:
    return _Form(tuple([f.name for f in query.chosen]), storage, query.srid, query.flip, query.geometry)


def collection(store: Store, query: ItemQuery) -> Page:
    """Read a page of features.

    Raises UnknownLayer, InvalidParameter, InvalidFilter for what cannot be asked, Unavailable.
    """
    if query.limit is None or query.limit < 1:
        raise InvalidParameter("limit", "a page holds at least one feature.")
    storage = storage_srid(store)
    shape, values = question(query, storage)
    keys = order_of(query, shape.moment in ("interval", "all"))
    cursor = nulls = None
    if query.after is not None:
        cursor = read_cursor(query.after, as_text(keys), len(keys))
        nulls = tuple([v is None for v in cursor.keys])
        if any(n and not k.is_nullable for n, k in zip(nulls, keys, strict=True)):
            raise InvalidParameter("cursor", "this is no cursor of ours; take it from the link 'next' as it is.")
        values |= {f"k{n}": v for n, v in enumerate(cursor.keys)}
    widest = max(WIDE, 2 * query.limit)
    values |= {"limit": str(query.limit), "more": str(query.limit + 1), "widest": str(widest + 1)}
    form, layer = _form(query, storage), SameLayer(query.layer)
    size = query.limit if query.limit in USUAL_LIMITS else None

    is_near = shape.is_spatial and not (cursor and cursor.is_wide)
    if is_near:
        (found,) = run(store, query.audience.role, _page(layer, shape, form, keys, nulls, None, True), values, suspect=_suspect(query))
        is_near = int(found[3] or 0) <= widest
    if not is_near:
        # Where the plan hangs on the values, PostgreSQL shall see them.
        (found,) = run(store, query.audience.role, _page(layer, shape, form, keys, nulls, size, False), values,
                       prepare=shape.tree is None and not shape.boxes, suspect=_suspect(query))
    body, returned, seq, hits, *last = found
    following = None
    if int(hits or 0) > int(returned or 0):
        following = str(Cursor(as_text(keys), tuple([None if v is None else v.decode() for v in last]),
                               shape.is_spatial and not is_near))
    return Page(b"[" + (body or b"") + b"]", int(returned or 0), following, int(seq or 0))


@lru_cache(maxsize=1_000)
def _page(same: SameLayer, shape: Shape, form: _Form, keys: tuple[Key, ...], nulls: tuple[bool, ...] | None, size: int | None,
          is_near: bool) -> Statement:
    """Make the statement of a page: collect (and, if not near, order and cut), order, cut, write."""
    layer, base = same.layer, source(same.layer, shape)
    wanted = _select(layer, base, form, [k.name for k in keys]).where(*where(shape, base))
    columns = columns_of(base)
    limit = parameter("limit", "integer") if size is None else sa.literal_column(str(size))
    more = parameter("more", "integer") if size is None else sa.literal_column(str(size + 1))
    arms = [] if nulls is None else after(keys, nulls, columns)
    if is_near:
        found: SelectBase = (wanted.where(sa.or_(*arms)) if arms else wanted).limit(parameter("widest", "integer"))
    else:
        parts = [(wanted.where(arm) if arm is not None else wanted).order_by(*order_by(keys, columns))
                 .limit(more) for arm in arms or [None]]
        found = parts[0] if len(parts) == 1 else sa.union_all(*parts)
    hit = found.cte("hit").prefix_with("MATERIALIZED")
    page = sa.select(hit).order_by(*order_by(keys, columns_of(hit))).limit(limit).subquery("p")
    # Rows arrive in order, and the last of each key is where the next page goes on.
    last = [sa.func.array_agg(sa.cast(columns_of(page)[k.name], sa.Text()), type_=ARRAY(sa.Text()))[sa.func.count()] for k in keys]
    return compiled(sa.select(sa.func.string_agg(_feature(layer, form), sa.literal_column("','")), sa.func.count(), SEQ,
                              sa.select(sa.func.count()).select_from(hit).scalar_subquery(), *last).select_from(page))


def _select(layer: Layer, base: FromClause, form: _Form, others: list[str]) -> Select[Any]:
    """Select what the text of a feature, and the keys of the order, are made from."""
    names = [*form.names, *(n for n in others if n in layer.by_name and n not in form.names)]
    geometry = [base.c[c] for c in ("geom", "geom_tile") if form.geometry and c in base.c and f"p.{c}" in _geometry(layer, form)]
    return sa.select(*(base.c[n] for n in VERSION_COLUMNS), *geometry, *(base.c[n] for n in names))


def _geometry(layer: Layer, form: _Form) -> str:
    return text.geometry_in(layer, form.storage_srid, form.srid, form.flip)


def _feature(layer: Layer, form: _Form) -> Any:
    return sa.literal_column(text.feature_text(layer, *form), sa.Text())


def feature(store: Store, query: ItemQuery, fid: int) -> FeatureText:
    """Read one feature at the question's moment; its bbox, filter and order do not matter.

    Raises UnknownFeature if there is none for this reader, Gone if it ended before that moment.
    """
    if query.interval is not None:
        raise InvalidParameter("datetime", "one feature is asked at a moment, not for an interval.")
    storage = storage_srid(store)
    shape, values = question(_only(query), storage)
    values["fid"] = _fid(query, fid)
    found = run(store, query.audience.role, _one(SameLayer(query.layer), shape, _form(query, storage)), values, suspect="crs")
    if not found:
        raise _absent(store, query, shape, values, fid)
    body, version_id, seq = found[0]
    return FeatureText(body or b"", int(version_id or 0), int(seq or 0))


def _fid(query: ItemQuery, fid: int) -> str:
    if abs(fid) >= 2**63:
        raise UnknownFeature(query.layer.id, fid)
    return str(fid)


def _only(query: ItemQuery) -> ItemQuery:
    if query.bbox is None and query.filter is None and query.fids is None:
        return query
    return ItemQuery(query.layer, query.audience, at=query.at, known_at=query.known_at)


@lru_cache(maxsize=1_000)
def _one(same: SameLayer, shape: Shape, form: _Form) -> Statement:
    base = source(same.layer, shape)
    p = _select(same.layer, base, form, []).where(base.c.fid == parameter("fid", "integer"), *where(shape, base)).subquery("p")
    return compiled(sa.select(_feature(same.layer, form), p.c.version_id, SEQ).select_from(p))


@lru_cache(maxsize=200)
def _ended(same: SameLayer, shape: Shape) -> Statement:
    p = source(same.layer, shape, "p")
    before = parameter("at", "timestamp") if shape.moment == "at" else sa.func.now()
    end = sa.func.upper(p.c.valid)
    return compiled(sa.select(sa.literal_column(text.moment_text("upper", "end_precision")))
                    .where(p.c.fid == parameter("fid", "integer"), end <= before).order_by(end.desc()).limit(sa.literal_column("1")).select_from(p))


def _absent(store: Store, query: ItemQuery, shape: Shape, values: dict[str, str | None], fid: int) -> UnknownFeature | Gone:
    """Tell a feature that has ended from one that never was."""
    found = run(store, query.audience.role, _ended(SameLayer(query.layer), shape), values)
    if not found:
        return UnknownFeature(query.layer.id, fid)
    return Gone(query.layer.id, fid, (found[0][0] or b"").decode())


def count(store: Store, query: ItemQuery, cap: int | None = None) -> int:
    """Count the features (in an interval: the versions) of a question, whatever its page; at most `cap`."""
    shape, values = question(query, storage_srid(store))
    values["cap"] = None if cap is None else str(cap)
    ((found,),) = run(store, query.audience.role, _count(SameLayer(query.layer), shape), values, prepare=False)
    return int(found or 0)


@lru_cache(maxsize=500)
def _count(same: SameLayer, shape: Shape) -> Statement:
    base = source(same.layer, shape)
    some = sa.select(sa.literal_column("1")).select_from(base).where(*where(shape, base)).limit(parameter("cap", "integer")).subquery()
    return compiled(sa.select(sa.func.count()).select_from(some))


def rows(store: Store, query: ItemQuery, form: GeometryForm = "wkt") -> Iterator[dict[str, Any]]:
    """Read features one after the other, in the question's order, for exports of any size.

    Each is {"id", "version", "valid_from", "valid_to" (text at their precision), the fields as Python values, "geometry" (as
    `form` says, in the question's CRS)}. Nothing is held but BATCH_ROWS rows and a connection, until the iterator is done or
    closed. A limit of None gives all; the cursor is not looked at.
    """
    storage = storage_srid(store)
    shape, values = question(query, storage)
    keys = order_of(query, shape.moment in ("interval", "all"))
    statement = _rows(SameLayer(query.layer), shape, _form(query, storage), keys, form)
    values["limit"] = None if query.limit is None else str(query.limit)
    with asking(_suspect(query)), store.read(query.audience.role) as connection, connection.transaction():
        with psycopg.RawServerCursor(connection, "features") as cursor:
            cursor.itersize = BATCH_ROWS
            cursor.execute(statement.sql, [values[n] for n in statement.names])
            names = [column.name for column in cursor.description or ()]
            for row in cursor:
                yield dict(zip(names, row, strict=True))


@lru_cache(maxsize=200)
def _rows(same: SameLayer, shape: Shape, form: _Form, keys: tuple[Key, ...], geometry: GeometryForm) -> Statement:
    layer, base = same.layer, source(same.layer, shape)
    p = (_select(layer, base, form, [k.name for k in keys]).where(*where(shape, base))
         .order_by(*order_by(keys, columns_of(base))).limit(parameter("limit", "integer")).subquery("p"))
    shown = [sa.literal_column(_FORMS[geometry].format(_geometry(layer, form), 7 if form.srid in (4326, 4490) else 3)).label("geometry")
             ] if form.geometry and layer.geometry is not None else []
    return compiled(sa.select(
        p.c.fid.label("id"), *(p.c[n] for n in form.names),
        sa.literal_column(text.moment_text("lower", "begin_precision")).label("valid_from"),
        sa.literal_column(text.moment_text("upper", "end_precision")).label("valid_to"),
        p.c.version_id.label("version"), *shown))


# Who edited, and why, is told to readers with this capability only.
READ_CHANGESETS = "read_changesets"
_CHANGESETS = Statement("SELECT seq, recorded_at, actor, reason FROM gis.changeset WHERE seq = ANY ($1::bigint[])", ("seqs",))


def versions(store: Store, query: ItemQuery, fid: int) -> list[dict[str, Any]]:
    """Read all versions of a feature on both axes of time, the newest belief first.

    Each is {"version_id", "fid", "valid_from", "valid_to", "begin_precision", "end_precision", "seq_from", "seq_to" (None: still
    believed), "recorded_at", "closed_at", "actor", "reason", "closed_by", "closed_reason", "properties", "geometry"}. With the
    question's `known_at` only what was believed then. Raises UnknownFeature.
    """
    storage = storage_srid(store)
    shape, values = question(_only(query), storage)
    values["fid"] = _fid(query, fid)
    found = run(store, query.audience.role, _versions(SameLayer(query.layer), shape.names, _form(query, storage)), values | {
        "seq": values.get("seq")})
    if not found:
        raise UnknownFeature(query.layer.id, fid)
    changesets = _changesets(store, query, {int(seq) for row in found for seq in row[4:6] if seq is not None})
    return [_version(query, row, changesets) for row in found]


@lru_cache(maxsize=200)
def _versions(same: SameLayer, visible: tuple[str, ...], form: _Form) -> Statement:
    base = both_tables(same.layer, visible)
    seq, known = parameter("seq", "integer"), (base.c.seq_from, base.c.seq_to)
    p = (_select(same.layer, base, form, []).add_columns(*known)
         .where(base.c.fid == parameter("fid", "integer"),
                sa.or_(seq.is_(sa.null()), sa.and_(known[0] <= seq, sa.or_(known[1].is_(sa.null()), known[1] > seq))))).subquery("p")
    return compiled(sa.select(_feature(same.layer, form), p.c.version_id, p.c.begin_precision, p.c.end_precision, p.c.seq_from, p.c.seq_to)
                    .order_by(p.c.seq_from.desc(), sa.func.lower(p.c.valid).desc().nulls_last()))


def _changesets(store: Store, query: ItemQuery, seqs: set[int]) -> dict[int, tuple[str | None, ...]]:
    """Read moment, actor and reason of changesets; the owner asks, since no audience may read the latter two itself."""
    tells = query.audience.role is None or READ_CHANGESETS in query.audience.capabilities
    found = run(store, None, _CHANGESETS, {"seqs": "{" + ",".join(map(str, seqs)) + "}"})
    told = {int(row[0] or 0): [None if cell is None else cell.decode() for cell in row[1:]] for row in found}
    return {seq: (_rfc3339(at), actor if tells else None, reason if tells else None) for seq, (at, actor, reason) in told.items()}


def _rfc3339(stamp: str | None) -> str | None:
    return None if stamp is None else format_moment(datetime.fromisoformat(stamp))


def _version(query: ItemQuery, row: tuple[bytes | None, ...], changesets: dict[int, tuple[str | None, ...]]) -> dict[str, Any]:
    made = orjson.loads(row[0] or b"")
    begin, end = ((cell or b"").decode() for cell in row[2:4])
    first, last = (None if cell is None else int(cell) for cell in row[4:6])
    nothing = (None, None, None)
    recorded_at, actor, reason = changesets.get(first or 0, nothing)
    closed_at, closed_by, closed_reason = changesets.get(last, nothing) if last is not None else nothing
    properties = made["properties"]
    if "version" not in query.layer.by_name:
        del properties["version"]
    return {"version_id": int(row[1] or 0), "fid": made["id"], "valid_from": properties.pop("valid_from"),
            "valid_to": properties.pop("valid_to"), "begin_precision": begin, "end_precision": end, "seq_from": first, "seq_to": last, "recorded_at": recorded_at,
            "closed_at": closed_at, "actor": actor, "reason": reason, "closed_by": closed_by, "closed_reason": closed_reason,
            "properties": properties, "geometry": made["geometry"]}
