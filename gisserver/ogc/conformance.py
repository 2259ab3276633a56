"""What the service conforms to."""

from __future__ import annotations

__all__ = ["CONFORMANCE"]

_F1 = "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/"
_F2 = "http://www.opengis.net/spec/ogcapi-features-2/1.0/conf/"
_F3 = "http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/"
_F4 = "http://www.opengis.net/spec/ogcapi-features-4/1.0/conf/"
_F5 = "http://www.opengis.net/spec/ogcapi-features-5/1.0/conf/"
_F6 = "http://www.opengis.net/spec/ogcapi-features-6/1.0/conf/"
_F8 = "http://www.opengis.net/spec/ogcapi-features-8/1.0/conf/"
_CQL2 = "http://www.opengis.net/spec/cql2/1.0/conf/"
_COMMON = "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/"
_COMMON2 = "http://www.opengis.net/spec/ogcapi-common-2/1.0/conf/"
_TILES = "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/"
_TMS = "http://www.opengis.net/spec/tms/2.0/conf/"
_MAPS = "http://www.opengis.net/spec/ogcapi-maps-1/1.0/conf/"
_STYLES = "http://www.opengis.net/spec/ogcapi-styles-1/0.0/conf/"
_PROCESSES = "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/"
_RECORDS = "http://www.opengis.net/spec/ogcapi-records-1/1.0/conf/"

CONFORMANCE: tuple[str, ...] = tuple(
    prefix + name for prefix, names in (
        (_COMMON, ("core", "landing-page", "json", "html", "oas30")),
        (_COMMON2, ("collections",)),
        (_F1, ("core", "oas30", "html", "geojson")),
        (_F2, ("crs",)),
        (_F3, ("queryables", "queryables-query-parameters", "filter", "features-filter")),
        (_F4, ("create-replace-delete", "update", "optimistic-locking-etags", "features")),
        (_F5, ("schemas", "core-roles-features", "queryables", "sortables", "returnables-and-receivables", "references")),
        (_F6, ("property-selection",)),
        (_F8, ("sorting",)),
        (_CQL2, ("cql2-text", "cql2-json", "basic-cql2", "advanced-comparison-operators", "basic-spatial-functions",
                 "basic-spatial-functions-plus", "spatial-functions", "temporal-functions", "property-property", "case-insensitive-comparison",
                 "accent-insensitive-comparison", "array-functions", "arithmetic")),
        (_TILES, ("core", "tileset", "tilesets-list", "geodata-tilesets", "dataset-tilesets", "collections-selection", "datetime", "mvt",
                  "oas30")),
        (_TMS, ("tilematrixset", "tilematrixsetlimits", "json-tilematrixset", "json-tilematrixsetlimits", "tilesetmetadata",
                "json-tilesetmetadata")),
        (_MAPS, ("core", "background", "collection-map", "dataset-map", "collections-selection", "scaling", "spatial-subsetting", "datetime", "crs",
                 "png", "jpeg", "tilesets")),
        (_STYLES, ("core", "mapbox-styles", "sld-11")),
        (_PROCESSES, ("core", "ogc-process-description", "json", "html", "oas30", "job-list", "dismiss")),
        (_RECORDS, ("record-core", "record-collection", "json")),
    ) for name in names)
