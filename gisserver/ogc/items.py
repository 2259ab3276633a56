"""Items: the features of a collection, in every format, from one statement."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from zlib import crc32

import orjson
from starlette.responses import Response

from gisserver.ogc.formats import csv_page
from gisserver.ogc.links import alternates, link, with_parameters
from gisserver.ogc.preview import preview
from gisserver.ogc.questions import Question, asked_feature, asked_items
from gisserver.ogc.systems import content_crs
from gisserver.reply import digest, page, reply
from gisserver.request import Request
from layers.audit import record
from layers.features import collection, count, feature
from layers.layer import Layer
from layers.query import ItemQuery

__all__ = ["etag_of", "item", "items"]

FORMATS = ("geojson", "html", "csv")
ALIASES = {"json": "geojson"}
# Proxies refuse headers of some kilobytes; a longer link (a long filter) is in the body only.
MAX_LINK_CHARACTERS = 4000


def items(request: Request) -> Response:
    """Answer a page of a layer's features."""
    layer = request.layer()
    form = _format(request)
    if form == "csv":
        _require_export(request, layer)
    question = asked_items(request, layer)
    bom, guard = request.parameters.take_flag("bom"), request.parameters.take_flag("guard", True)
    request.parameters.finish()
    address = f"{request.base}/ogc/collections/{layer.id}/items"
    features, returned, following, seq, matched = _ask(request, question)
    headers = {"Content-Crs": content_crs(question.crs), "Gis-Seq": str(seq), "OGC-NumberReturned": str(returned)} | _unkept(
        request, question.query)
    links = alternates(address, FORMATS, form, dict(request.parameters))
    if following:
        again = {name: value for name, value in request.parameters.items() if name not in ("f", "key")} | {
            "cursor": following, "f": form}
        links.append(link(with_parameters(address, again), "next", form, "Next page"))
        if len(links[-1]["href"]) < MAX_LINK_CHARACTERS:
            headers["Link"] = f'<{links[-1]["href"]}>; rel="next"'
    links.append(link(f"{request.base}/ogc/collections/{layer.id}", "collection", "json"))
    if form == "html":
        return _items_page(request, layer, features, links, matched)
    if form == "csv":
        if not request.is_public and question.query.after is None:
            # Once for each export, not for each of its pages.
            record(request.context.store, request.reader.acting(request.scope), "export", layer=layer.id,
                   detail={"format": "csv", "query": request.scope["query_string"].decode("latin-1")[:2000]})
        body = csv_page(layer, question.query, orjson.loads(features), bom, guard)
        headers["Content-Disposition"] = f'attachment; filename="{layer.id}.csv"'
        return reply(request, body, "csv", f'"{digest(body)}"', headers)
    head = {"numberReturned": returned, "timeStamp": _now(), "links": links}
    if matched is not None:
        head["numberMatched"] = matched
    body = b'{"type":"FeatureCollection","features":' + features + b"," + orjson.dumps(head)[1:]
    tag = digest(features, (following or "").encode(), str(matched).encode())
    return reply(request, body, "geojson", f'"{tag}"', headers)


def _require_export(request: Request, layer: Layer) -> None:
    """A table is taken away by who may export; of what everybody may read, by everybody. Raises Forbidden."""
    public = request.context.identity.find(None).audience
    if request.is_public or (public.may_read(layer.id) and public.layer_key(layer.id) == request.audience.layer_key(layer.id)):
        return
    request.reader.require("export")


def _ask(request: Request, question: Question) -> tuple[bytes, int, str | None, int, int | None]:
    store, query = request.context.store, question.query
    if question.hits_only:
        return b"[]", 0, None, request.context.seq, count(store, query)
    answer = collection(store, query)
    if question.count:
        matched: int | None = count(store, query)
    else:
        # A first page without a second one has counted them all.
        matched = answer.returned if answer.next is None and query.after is None else None
    return answer.body, answer.returned, answer.next, answer.seq, matched


def _items_page(request: Request, layer: Layer, features: bytes, links: list[dict[str, Any]],
                matched: int | None) -> Response:
    made = orjson.loads(features)
    return page(request, "items.html", layer=layer, features=made, matched=matched, preview=preview(made),
                fields=request.audience.fields(layer), document={"links": links})


def item(request: Request) -> Response:
    """Answer one feature."""
    layer, fid = request.layer(), request.fid()
    form = _format(request, ("geojson", "html"))
    query, crs = asked_feature(request, layer, fid)
    request.parameters.finish()
    found = feature(request.context.store, query, fid)
    etag = etag_of(found.version_id, query, form)
    headers = {"Content-Crs": content_crs(crs), "Gis-Seq": str(found.seq)} | _unkept(request, query)
    address = f"{request.base}/ogc/collections/{layer.id}/items/{fid}"
    if form == "html":
        made = orjson.loads(found.body)
        links = alternates(address, ("geojson", "html"), form, dict(request.parameters))
        return page(request, "item.html", layer=layer, feature=made, preview=preview([made]),
                    fields=request.audience.fields(layer), document={"links": links})
    return reply(request, found.body[:-1] + _item_links(address, request.base, layer.id), "geojson", etag, headers)


@lru_cache(maxsize=1000)
def _representation(*key: Any) -> str:
    return f"{crc32(repr(key).encode()):x}"


def etag_of(version_id: int, query: ItemQuery, form: str = "geojson") -> str:
    """Return the strong validator of a feature: its version and the key of this representation of it."""
    key = _representation(query.audience.layer_key(query.layer.id), form, query.srid, query.flip, query.fields, query.geometry)
    return f'"{version_id}.{key}"'


def _unkept(request: Request, query: ItemQuery) -> dict[str, str]:
    """Personal data that was opened with a reason is kept nowhere on its way."""
    return {} if query.audience is request.audience else {"Cache-Control": "no-store"}


def _item_links(address: str, base: str, layer_id: str) -> bytes:
    # Written by hand: this is the hottest answer of all, and the names in it need no escaping.
    return (f',"links":[{{"href":"{address}?f=geojson","rel":"self","type":"application/geo+json"}},'
            f'{{"href":"{address}?f=html","rel":"alternate","type":"text/html"}},'
            f'{{"href":"{base}/ogc/collections/{layer_id}","rel":"collection","type":"application/json"}},'
            f'{{"href":"{address}/versions","rel":"version-history","type":"application/json"}},'
            f'{{"href":"{address}/lineage","rel":"related","type":"application/json"}}]}}').encode()


def _format(request: Request, offered: tuple[str, ...] = FORMATS) -> str:
    form = request.format((*offered, "json"))
    return ALIASES.get(form, form)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
