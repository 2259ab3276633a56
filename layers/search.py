"""The search over all layers: names, addresses, codes and pinyin initials, for one reader, at one moment.

Looked for in this order, each step only while there is room: what is the text, what begins with it, what contains it, what
has its parts (an address whose last parts are unknown is found as far as it is known), what is spelled so in pinyin.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import psycopg
from psycopg.types.json import Jsonb

from layers.access import Audience
from layers.addresses import LEVELS, Address, Level, parse_address
from layers.catalogue import Catalogue
from layers.errors import InvalidParameter
from layers.layer import Layer
from layers.search_keys import contains_pattern, initials_grams, is_letters, letter_sets, pair_grams, spells
from layers.store import Store

__all__ = ["search"]

MAX_LENGTH = 100
# How many entries one probe of the grams looks at; the best of them are shown.
CANDIDATES = 400
# Of what is called the same in one layer, so many stand together before others come.
SAME_NAME = 3
# Ranks of finds, best first: the last two are initials at the beginning and inside.
MATCHES = ("exact", "prefix", "part", "components", "initials", "initials")
# NUL and halves of characters, which no database text has
_UNSENDABLE = re.compile("[\x00\ud800-\udfff]")
KINDS = {"name": 0, "address": 1, "code": 2}


class _Scope(NamedTuple):
    number: int
    layer: str
    field: str
    kind: str
    district: str


class _Find(NamedTuple):
    """An entry that was found, and how: its rank in MATCHES and how far an address was matched."""

    rank: int
    level: Level | None
    standing: int
    layer: str
    field: str
    kind: str
    fid: int
    label: str
    norm: str

    @property
    def order(self) -> tuple[Any, ...]:
        return self.rank, KINDS[self.kind], self.standing, len(self.norm), self.norm, self.layer, self.fid


@dataclass
class _Index:
    """What a process keeps of a store's search: scopes are only ever added, pinyin changes with a migration."""

    scopes: list[_Scope]
    pinyin: list[int]


_indexes: WeakKeyDictionary[Store, _Index] = WeakKeyDictionary()


def search(store: Store, audience: Audience, catalogue: Catalogue, text: str, limit: int = 20, at: datetime | None = None,
           near: tuple[float, float] | None = None, layers: Collection[str] | None = None) -> list[dict[str, Any]]:
    """Find features by name, address, code or pinyin initials.

    Parameters
    ----------
    text
        What somebody typed; full width, Chinese numerals and missing 市, 区 in addresses are understood.
    limit
        At most so many results.
    at
        The moment of valid time; None is now.
    near
        (longitude, latitude) of what the reader looks at: among equally good finds the nearer comes first.
    layers
        Only these layers; None takes all the audience may read.

    Returns
    -------
    list of {"layer", "fid", "label", "detail", "match", "level", "center"}
        `match` is exact, prefix, part, code or initials; `level` how far an address was matched (street, compound, building,
        entrance, room) or None; `center` [longitude, latitude] or None. Empty when nothing is found.

    Raises InvalidParameter for a text that is too long or a limit out of range.
    """
    if len(text) > MAX_LENGTH or _UNSENDABLE.search(text):
        raise InvalidParameter("q", f"a text to search for has at most {MAX_LENGTH} characters, and no NUL")
    if not 1 <= limit <= 200:
        raise InvalidParameter("limit", "must lie between 1 and 200")
    if not text.strip():
        return []
    index, norm, plain, *words = _question(store, text)
    scopes = [s for s in index.scopes if (layers is None or s.layer in layers) and _may_find(audience, catalogue, s)]
    if not scopes or not norm:
        return []
    moment = at or datetime.now(UTC)
    with store.read(audience.role) as connection:
        looking = _Looking(connection, catalogue, scopes, index, moment, limit)
        looking.look(norm, plain, words)
        finds = _varied(looking.finds.values())[:max(limit, 60) if near else limit]
        places = _places(connection, audience, catalogue, finds, moment)
    results = [_result(find, places[find.layer, find.fid]) for find in finds if (find.layer, find.fid) in places]
    if near:
        ranks = {(f.layer, f.fid): f.rank for f in finds}
        results.sort(key=lambda r: (ranks[r["layer"], r["fid"]], _distance(r["center"], near)))
    return results[:limit]


def _question(store: Store, text: str) -> tuple[Any, ...]:
    """Return the store's index and the text in normal form: as of names and addresses, as of codes, and word by word."""
    index = _indexes.get(store)
    texts = [text, text, *text.split()[:8]]
    with store.read() as connection:
        norms = [norm for (norm,) in connection.execute(
            "SELECT norm FROM gis.search_keys(%s::text[], %s::text[]) ORDER BY n",
            (texts, ["address", "code", *["address"] * (len(texts) - 2)]))]
        row = connection.execute("SELECT count(*) FROM gis.search_scope").fetchone()
        if index is None or not row or row[0] != len(index.scopes):
            pinyin = connection.execute("SELECT initials FROM gis.pinyin").fetchone()
            index = _indexes[store] = _Index(
                [_Scope(*r) for r in connection.execute("SELECT scope, layer, field, kind, district_code FROM gis.search_scope")],
                pinyin[0] if pinyin else [])
    return index, *norms


def _may_find(audience: Audience, catalogue: Catalogue, scope: _Scope) -> bool:
    """May the audience find entries of a scope? Only spares useless probes: the row policy decides."""
    grant = audience.grant(scope.layer)
    return (grant is not None and scope.layer in catalogue.layers and (grant.fields is None or scope.field in grant.fields)
            and (grant.districts is None or scope.district in grant.districts))


def _standing(layer: Layer, field: str) -> int:
    """Return how much of a name a value is: a district's own name before a project's developer. Less is more."""
    return int(layer.grade[1:]) + (0 if field == layer.label else 10)


def _varied(finds: Iterable[_Find]) -> list[_Find]:
    """Order finds; of many that are called the same in one layer, those after the third come last."""
    seen: Counter[tuple[str, str]] = Counter()
    first, rest = [], []
    for find in sorted(finds, key=lambda f: f.order):
        seen[find.layer, find.norm] += 1
        (first if seen[find.layer, find.norm] <= SAME_NAME else rest).append(find)
    return first + rest


class _Looking:
    """One search at work: probes of the database, and what they found, each feature once with its best find."""

    def __init__(self, connection: psycopg.Connection, catalogue: Catalogue, scopes: list[_Scope], index: _Index, at: datetime,
                 limit: int) -> None:
        self.connection, self.scopes, self.index, self.at, self.limit = connection, scopes, index, at, limit
        self.standing = {(s.layer, s.field): _standing(catalogue.layer(s.layer), s.field) for s in scopes}
        self.finds: dict[tuple[str, int], _Find] = {}
        fields, districts = {(s.layer, s.field) for s in scopes if s.kind != "code"}, {s.district for s in scopes}
        # None: everywhere, which needs no bound.
        self.fields = sorted(fields) if fields != {(s.layer, s.field) for s in index.scopes if s.kind != "code"} else None
        self.districts = sorted(districts) if districts != {s.district for s in index.scopes} else None

    def look(self, norm: str, plain: str, words: list[str]) -> None:
        """Look for a text in normal form (`plain`: as codes are written), step by step while there is room."""
        address = parse_address(norm)
        level = address.level
        codes = [s.number for s in self.scopes if s.kind == "code"]
        others = [s.number for s in self.scopes if s.kind != "code"]
        for numbers, wanted in ((others, norm), (codes, plain)):
            if numbers:
                rows = self._rows("search_beginning", numbers, wanted, self.at, max(3, 600 // len(self.scopes)))
                self._keep(((0 if row[5] == wanted else 1, row) for row in rows), level)
        if self._is_enough() or (address.is_numbered and any(f.rank == 0 and f.kind == "address" for f in self.finds.values())):
            return
        if address.is_numbered and address.street:
            self._look_for_address(norm, address)
        elif grams := pair_grams(norm):
            self._keep(((2, row) for row in self._grams(grams, contains_pattern([norm]))), level)
        if is_letters(norm):
            self._look_for_initials(norm)
        if len(words) > 1 and not self._is_enough():
            self._keep(((3, row) for row in self._parts([word for word in words if word])), level)
        if not self.finds and not address.is_numbered:
            found = next(filter(None, map(self._parts, _ways(norm)[1:])), [])
            self._keep(((3, row) for row in found), level)

    def _look_for_initials(self, letters: str) -> None:
        names = [s.number for s in self.scopes if s.kind == "name"]
        rows = self._rows("search_initials", names, letters, self.at, max(3, 600 // len(self.scopes))) if names else []
        if len(letters) > 1:
            rows += self._grams(initials_grams(letters), None)
        spelled = ((row, spells(letters, letter_sets(row[5], self.index.pinyin))) for row in rows)
        self._keep(((5 if where else 4, row) for row, where in spelled if where is not None), None)

    def _look_for_address(self, norm: str, address: Address) -> None:
        """Look for the parts of an address, wherever they stand; for as many of them as are known."""
        way: list[str] | None = [address.street]
        rows = self._parts([address.street, address.parts[1]])
        if not rows:
            way = next((way for way in _ways(address.street) if self._parts(way, 1)), None)
            if way is None:
                return
            rows = self._parts([*way, address.parts[1]]) if way != [address.street] else []
        part: Address | None = address
        while way and part:
            parts = [*way, *part.parts[1:]]
            if len(rows) < CANDIDATES and len(parts) > len(way):
                pattern = re.compile(contains_pattern(parts))
                found = [row for row in rows if pattern.search(row[5])]
            else:
                found = self._parts(parts)
            if found:
                self._keep(((2 if norm in row[5] else 3, row) for row in found), part.level)
                return
            part = part.wider()

    def _parts(self, parts: list[str], limit: int = CANDIDATES) -> list[tuple[Any, ...]]:
        grams: set[int] = set().union(*(pair_grams(p.removesuffix("院") if re.search(r"\d号院$", p) else p) for p in parts))
        return self._grams(grams, contains_pattern(parts), limit) if grams else []

    def _grams(self, grams: Iterable[int], pattern: str | None, limit: int = CANDIDATES) -> list[tuple[Any, ...]]:
        if self.fields is not None and not self.fields:
            return []  # only codes are looked at, and those are found by their beginning
        return self.connection.execute(
            "SELECT * FROM gis.search_grams(%s::integer[], %s, "
            "(SELECT array_agg(gis.field_gram(l, f)) FROM unnest(%s::text[], %s::text[]) AS t (l, f)), "
            "(SELECT array_agg(gis.district_gram(d)) FROM unnest(%s::text[]) d), %s, %s)",
            (sorted(grams), pattern, *(map(list, zip(*self.fields, strict=True)) if self.fields else (None, None)), self.districts,
             self.at, limit)).fetchall()

    def _rows(self, function: str, scopes: list[int], text: str, at: datetime, each: int) -> list[tuple[Any, ...]]:
        statement = {"search_beginning": "SELECT * FROM gis.search_beginning(%s, %s, %s, %s)",
                     "search_initials": "SELECT * FROM gis.search_initials(%s, %s, %s, %s)"}[function]
        return self.connection.execute(statement, (scopes, text, at, each)).fetchall()

    def _keep(self, rows: Iterable[tuple[int, tuple[Any, ...]]], level: Level | None) -> None:
        for rank, row in rows:
            find = _Find(rank, _reached(level, row[5]) if row[2] == "address" else None, self.standing.get(row[:2], 99), *row)
            known = self.finds.get((find.layer, find.fid))
            if known is None or find.order < known.order:
                self.finds[find.layer, find.fid] = find

    def _is_enough(self) -> bool:
        return len(self.finds) >= self.limit


def _reached(level: Level | None, norm: str) -> Level | None:
    """Return how far an address was matched: never farther than it leads itself ('8号院3' is found in '8号院3号楼')."""
    own = parse_address(norm).level
    return level if level is None or own is None else LEVELS[min(LEVELS.index(level), LEVELS.index(own))]


def _ways(street: str) -> list[list[str]]:
    """Return ways to read a street: as it is, cut where a district ends, without its districts, or as two words."""
    ways = [[street]]
    divided = [word for word in re.split(r"(?<=[省市区县镇乡])|街道", street) if word]
    if len(divided) > 1:
        return [*ways, divided, divided[-1:]]
    if street.isascii():
        return ways
    return ways + [[street[:i], street[i:]] for i in range(2, min(len(street) - 1, 6))]


def _places(connection: psycopg.Connection, audience: Audience, catalogue: Catalogue, finds: Iterable[_Find],
            at: datetime) -> dict[tuple[str, int], dict[str, Any]]:
    """Return {(layer, fid): {"label", "address", "center"}} of finds; what has no geometry lies where its parent does."""
    places: dict[tuple[str, int], dict[str, Any]] = {}
    wanted: dict[str, set[int]] = {}
    for find in finds:
        wanted.setdefault(find.layer, set()).add(find.fid)
    parents: dict[tuple[str, int], tuple[str, int]] = {}
    for _ in range(4):
        asks = [_ask(catalogue, audience, layer, fids) for layer, fids in wanted.items() if audience.may_read(layer)]
        if not asks:
            break
        wanted = {}
        for layer, fid, label, address, parent, lon, lat in connection.execute(
                "SELECT * FROM gis.search_places(%s, %s)", (Jsonb(asks), at)):
            center = [round(lon, 7), round(lat, 7)] if lon is not None else None
            places[layer, fid] = {"label": label, "address": address, "center": center}
            field = catalogue.layer(layer).parent
            if center is None and parent is not None and field is not None and field.references:
                parents[layer, fid] = (field.references, parent)
                if (field.references, parent) not in places:
                    wanted.setdefault(field.references, set()).add(parent)
    for place in list(parents):
        up: tuple[str, int] | None = place
        while up and places.get(up, {}).get("center") is None:
            up = parents.get(up)
        places[place]["center"] = places[up]["center"] if up else None
    return places


def _ask(catalogue: Catalogue, audience: Audience, layer_id: str, fids: set[int]) -> Mapping[str, Any]:
    layer = catalogue.layer(layer_id)
    readable = {f.name for f in audience.fields(layer)}
    parent = layer.parent.name if layer.parent and layer.kind != "spatial" else None
    return {"layer": layer_id, "fids": sorted(fids), "label": layer.label if layer.label in readable else None,
            "parent": parent if parent in readable else None}


def _result(find: _Find, place: Mapping[str, Any]) -> dict[str, Any]:
    label = place["label"] or (find.label if find.kind != "code" else place["address"]) or find.label
    detail = find.label if find.label != label else place["address"] if place["address"] not in (None, label) else ""
    match = "code" if find.kind == "code" else {"components": "part"}.get(MATCHES[find.rank], MATCHES[find.rank])
    return {"layer": find.layer, "fid": find.fid, "label": label, "detail": detail, "match": match, "level": find.level,
            "center": place["center"]}


def _distance(center: list[float] | None, near: tuple[float, float]) -> float:
    """Return a measure of nearness, degrees of latitude; far where there is no place."""
    if center is None:
        return math.inf
    return math.hypot((center[0] - near[0]) * math.cos(math.radians(near[1])), center[1] - near[1])
