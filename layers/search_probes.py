"""The probes of a search: what of the database is looked at, in which order, and how good each find is."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import psycopg

from layers.addresses import LEVELS, Address, Level, parse_address
from layers.catalogue import Catalogue
from layers.layer import Layer
from layers.search_keys import contains_pattern, initials_grams, is_letters, letter_sets, pair_grams, spells

__all__ = ["MATCHES", "Find", "Index", "Looking", "Scope"]

# How many entries one probe of the grams looks at; the best of them are shown.
CANDIDATES = 400
# Ranks of finds, best first: the last two are initials at the beginning and inside.
MATCHES = ("exact", "prefix", "part", "components", "initials", "initials")
KINDS = {"name": 0, "address": 1, "code": 2}


class Scope(NamedTuple):
    """Where entries can lie, with its number."""

    number: int
    layer: str
    field: str
    kind: str
    district: str


class Find(NamedTuple):
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
class Index:
    """What a process keeps of a store's search: scopes are only ever added, pinyin changes with a migration."""

    scopes: list[Scope]
    pinyin: list[int]


def _standing(layer: Layer, field: str) -> int:
    """Return how much of a name a value is: a district's own name before a project's developer. Less is more."""
    return int(layer.grade[1:]) + (0 if field == layer.label else 10)


class Looking:
    """One search at work: probes of the database, and what they found, each feature once with its best find."""

    def __init__(self, connection: psycopg.Connection, catalogue: Catalogue, scopes: list[Scope], index: Index, at: datetime,
                 limit: int) -> None:
        self.connection, self.scopes, self.index, self.at, self.limit = connection, scopes, index, at, limit
        self.standing = {(s.layer, s.field): _standing(catalogue.layer(s.layer), s.field) for s in scopes}
        self.finds: dict[tuple[str, int], Find] = {}
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
            find = Find(rank, _reached(level, row[5]) if row[2] == "address" else None, self.standing.get(row[:2], 99), *row)
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
