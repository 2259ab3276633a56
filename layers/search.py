"""The search over all layers: names, addresses, codes and pinyin initials, for one reader, at one moment.

Looked for in this order, each step only while there is room: what is the text, what begins with it, what contains it, what
has its parts (an address whose last parts are unknown is found as far as it is known), what is spelled so in pinyin.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from psycopg.types.json import Jsonb

from layers.access import Audience
from layers.catalogue import Catalogue
from layers.errors import InvalidParameter
from layers.search_probes import MATCHES, Find, Index, Looking, Scope
from layers.store import Store

__all__ = ["search"]

MAX_LENGTH = 100
# Of what is called the same in one layer, so many stand together before others come.
SAME_NAME = 3
# NUL and halves of characters, which no database text has
_UNSENDABLE = re.compile("[\x00\ud800-\udfff]")

_indexes: WeakKeyDictionary[Store, Index] = WeakKeyDictionary()


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
        looking = Looking(connection, catalogue, scopes, index, moment, limit)
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
            index = _indexes[store] = Index(
                [Scope(*r) for r in connection.execute("SELECT scope, layer, field, kind, district_code FROM gis.search_scope")],
                pinyin[0] if pinyin else [])
    return index, *norms


def _may_find(audience: Audience, catalogue: Catalogue, scope: Scope) -> bool:
    """May the audience find entries of a scope? Only spares useless probes: the row policy decides."""
    grant = audience.grant(scope.layer)
    return (grant is not None and scope.layer in catalogue.layers and (grant.fields is None or scope.field in grant.fields)
            and (grant.districts is None or scope.district in grant.districts))


def _varied(finds: Iterable[Find]) -> list[Find]:
    """Order finds; of many that are called the same in one layer, those after the third come last."""
    seen: Counter[tuple[str, str]] = Counter()
    first, rest = [], []
    for find in sorted(finds, key=lambda f: f.order):
        seen[find.layer, find.norm] += 1
        (first if seen[find.layer, find.norm] <= SAME_NAME else rest).append(find)
    return first + rest


def _places(connection: psycopg.Connection, audience: Audience, catalogue: Catalogue, finds: Iterable[Find],
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


def _result(find: Find, place: Mapping[str, Any]) -> dict[str, Any]:
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
