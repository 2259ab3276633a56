"""pygeoapi's configuration, made from the catalogue: catalogue records, coverages. No features, no processes, no writing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gisserver.ogc.providers import CoverageFile, LayerRecords
from layers.catalogue import Catalogue
from layers.layer import Layer
from tiles.coverages import base_file

__all__ = ["coverage_path", "pygeoapi_config"]

LIMITS = {"default_items": 10, "max_items": 1000, "on_exceed": "throttle"}


def _named(cls: type) -> str:
    # pygeoapi wants a dotted string; taken from the class itself, the import above stays true.
    return f"{cls.__module__}.{cls.__qualname__}"


def coverage_path(var: Path, layer: Layer) -> Path | None:
    """Return the file that a coverage's definition names, below the city's own folder; None where there is none (yet)."""
    return base_file(var, layer)


def pygeoapi_config(catalogue: Catalogue, base: str, files: Mapping[str, str]) -> dict[str, Any]:
    """Return the configuration for links under `base`; `files` are the rasters of coverages, by layer.

    Nothing in it says who may read what: the handlers that we carry ask first, and the records provider knows the reader.
    """
    city = catalogue.city
    extents = {"spatial": {"bbox": list(city.extent), "crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84"}}
    resources: dict[str, Any] = {
        "catalogue": {"type": "collection", "title": _texts("图层目录", "Catalogue of the layers"),
                      "description": _texts("各图层的目录记录", "A record for each layer"), "keywords": ["catalogue"],
                      "links": [], "extents": extents, "limits": LIMITS,
                      "providers": [{"type": "record", "name": _named(LayerRecords), "data": base, "id_field": "id",
                                     "title_field": "title"}]}}
    for layer in catalogue.layers.values():
        path = files.get(layer.id)
        if path is not None:
            resources[layer.id] = _coverage(layer, path, extents)
    title = _texts(city.title.zh, city.title.en)
    return {
        "server": {"url": f"{base}/ogc", "mimetype": "application/json; charset=UTF-8", "encoding": "utf-8", "gzip": False,
                   "languages": ["en-US", "zh-CN"], "limits": LIMITS, "pretty_print": False,
                   "map": {"url": "", "attribution": ""}},
        "logging": {"level": "ERROR"},
        "metadata": {"identification": {"title": title, "description": title, "keywords": [], "url": base,
                                        "terms_of_service": ""},
                     "license": {"name": "", "url": ""}, "provider": {"name": city.title.en, "url": base},
                     "contact": {"name": "", "email": "", "url": base}},
        "resources": resources,
    }


def _texts(zh: str, en: str) -> dict[str, str]:
    return {"en-US": en, "zh-CN": zh}


def _coverage(layer: Layer, path: str, extents: dict[str, Any]) -> dict[str, Any]:
    return {"type": "collection", "title": _texts(layer.title.zh, layer.title.en),
            "description": _texts(layer.title.zh, layer.title.en), "keywords": [layer.group], "links": [],
            "extents": extents, "providers": [{"type": "coverage", "name": _named(CoverageFile), "data": path,
                                               "format": {"name": "GTiff", "mimetype": "image/tiff"}}]}
