"""What pygeoapi reads from: the catalogue as records, and coverage files within bounds."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from pygeoapi.provider.base import BaseProvider, ProviderInvalidQueryError, ProviderItemNotFoundError
from pygeoapi.provider.rasterio_ import RasterioProvider

from gisserver.context import current
from layers.access import Audience
from layers.crs import transformer
from layers.features import count
from layers.layer import Layer
from layers.query import ItemQuery

__all__ = ["ASKING", "CoverageFile", "LayerRecords"]

# pygeoapi hands its providers no reader. The handler that carries it sets this in its own context, which is the thread's.
ASKING: ContextVar[Audience] = ContextVar("asking")

MOST_CELLS = 4_000_000



class LayerRecords(BaseProvider):
    """A record for each layer that the reader may read (OGC API Records); free to construct."""

    def __init__(self, provider_def: dict[str, Any]) -> None:
        super().__init__(provider_def)
        self._fields = {name: {"type": "string"} for name in ("title", "description", "type", "group", "q")}

    def get_fields(self) -> dict[str, Any]:
        return self._fields

    def query(self, offset: int = 0, limit: int = 10, resulttype: str = "results", bbox: list[float] | None = None,
              properties: list[tuple[str, str]] | None = None, q: str | None = None, language: Any = None,
              **others: Any) -> dict[str, Any]:
        """Return the records that match, as a FeatureCollection; `q` is looked for in both languages.

        Of its parts between commas one has to match, with all of its words. Of layers that are stored, those match a box that have
        something in it today which the reader may see.
        """
        audience = ASKING.get()
        found = [self._record(layer, _is_chinese(language)) for layer in current().readable(audience)
                 if _matches(layer, audience, q) and _meets(bbox, layer, audience)]
        for name, value in properties or ():
            found = [record for record in found if record["properties"].get(name) == value]
        page = [] if resulttype == "hits" else found[offset:offset + limit]
        return {"type": "FeatureCollection", "features": page, "numberMatched": len(found), "numberReturned": len(page)}

    def get(self, identifier: str, language: Any = None, **others: Any) -> dict[str, Any]:
        """Return the record of a layer. Raises ProviderItemNotFoundError also where the reader may not read it."""
        for layer in current().readable(ASKING.get()):
            if layer.id == identifier:
                return self._record(layer, _is_chinese(language))
        raise ProviderItemNotFoundError(f"record {identifier} not found")

    def _record(self, layer: Layer, chinese: bool) -> dict[str, Any]:
        minx, miny, maxx, maxy = current().catalogue.city.extent
        language, address = ("zh" if chinese else "en"), f"{self.data}/ogc/collections/{layer.id}"
        text = layer.description or layer.title
        links = [{"rel": "item", "type": "application/json", "href": address, "title": getattr(layer.title, language)}]
        if layer.is_stored:
            links.append({"rel": "items", "type": "application/geo+json", "href": f"{address}/items"})
        return {"id": layer.id, "type": "Feature", "time": None,
                "conformsTo": ["http://www.opengis.net/spec/ogcapi-records-1/1.0/req/record-core"],
                "geometry": {"type": "Polygon", "coordinates": [[[minx, miny], [maxx, miny], [maxx, maxy], [minx, maxy],
                                                                 [minx, miny]]]},
                "properties": {"type": "dataset", "title": getattr(layer.title, language), "group": layer.group,
                               "description": getattr(text, language), "keywords": [layer.group, layer.kind],
                               "contacts": [{"organization": getattr(current().catalogue.city.title, language), "roles": ["publisher"]}],
                               "language": {"code": language}},
                "links": links}


def _is_chinese(language: Any) -> bool:
    return str(language or "").lower().startswith("zh")


def _matches(layer: Layer, audience: Audience, q: str | None) -> bool:
    if not q:
        return True
    # A field that the reader may not read is not found by its name either.
    texts = [layer.title, layer.description, current().catalogue.city.title, *(field.title for field in audience.fields(layer)),
             *(title for field in audience.fields(layer) for title in (field.codes or {}).values())]
    everything = "\n".join([layer.id, layer.group, layer.kind, *(f"{text.zh}\n{text.en}" for text in texts if text)]).lower()
    return any(all(word in everything for word in part.lower().split()) for part in q.split(",") if part.strip())


def _meets(bbox: list[float] | None, layer: Layer, audience: Audience) -> bool:
    if not bbox:
        return True
    minx, miny, maxx, maxy = current().catalogue.city.extent
    if not (bbox[0] <= maxx and bbox[2] >= minx and bbox[1] <= maxy and bbox[3] >= miny):
        return False
    if layer.kind != "spatial" or not layer.is_stored:
        return True
    # The box may be larger than the world.
    world = max(bbox[0], -180.0), max(bbox[1], -90.0), min(bbox[2], 180.0), min(bbox[3], 90.0)
    return count(current().store, ItemQuery(layer, audience, bbox=world), cap=1) > 0


class CoverageFile(RasterioProvider):
    """A raster file; an answer has at most MOST_CELLS cells, so that nobody can ask the process out of memory."""

    def query(self, properties: Any = (), subsets: Any = None, bbox: Any = None, **others: Any) -> Any:
        """Return the coverage within a box in CRS84, as CoverageJSON or GeoTIFF."""
        share = self._share(bbox)
        if not share:
            raise ProviderInvalidQueryError(user_msg="the bbox does not meet the coverage")
        cells = self._data.width * self._data.height * (len(properties) or self._data.count) * share
        if cells > MOST_CELLS:
            raise ProviderInvalidQueryError(user_msg=f"that is {cells:.0f} cells; ask for a smaller bbox (at most {MOST_CELLS})")
        return super().query(properties=list(properties), subsets=subsets or {}, bbox=bbox, **others)

    def _share(self, bbox: Any) -> float:
        """Return how much of the file lies in a box in CRS84, from 0 to 1."""
        srid = self._data.crs.to_epsg() if self._data.crs else None
        if not bbox or srid is None:
            return 1.0
        step = transformer(4326, srid).transform
        (minx, miny), (maxx, maxy), bounds = step(bbox[0], bbox[1]), step(bbox[2], bbox[3]), self._data.bounds
        wide = (min(maxx, bounds.right) - max(minx, bounds.left)) / (bounds.right - bounds.left)
        high = (min(maxy, bounds.top) - max(miny, bounds.bottom)) / (bounds.top - bounds.bottom)
        return max(wide, 0.0) * max(high, 0.0)
