"""What a service of others offers, as it is listed to people, and what a layer of it is, as it is kept."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from pyproj import CRS
from pyproj.exceptions import CRSError

__all__ = ["FIRST_FORMATS", "MERCATOR_M", "May", "Offered", "Service", "Why", "format_of", "srid_of"]

MERCATOR_M = 20037508.342789244
FIRST_FORMATS = ("image/png", "image/webp", "image/jpeg", "image/jpg", "image/gif")
# Names that were given to Web Mercator before and beside its number.
_MERCATOR = {900913, 102100, 102113, 3785, 41001, 54004}
_CODE = re.compile(r"(?:EPSG|CRS|OGC|ESRI)(?:::|:|/[\d.]+/|:[\d.]+:)([0-9]{4,6}|CRS84|84)\Z", re.IGNORECASE)

# May this origin be asked?
May = Callable[[str], bool]
Why = tuple[str, str]


@dataclass(frozen=True)
class Offered:
    """One layer of a service.

    `definition` is what makes it a layer of ours; None where it cannot be drawn, and then `why` says so (English, Chinese). `path` are the
    titles of the groups it stands in, `styles` pairs of name and title, `times` what may be asked for, the service's own default last.
    """

    name: str
    title: str
    abstract: str = ""
    path: tuple[str, ...] = ()
    extent: list[float] | None = None
    crs: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    styles: tuple[tuple[str, str], ...] = ()
    times: tuple[str, ...] = ()
    default_time: str = ""
    is_queryable: bool = False
    definition: dict[str, Any] | None = None
    why: Why | None = None


@dataclass(frozen=True)
class Service:
    """What a service says of itself, and its layers. `kind` is wms, wmts, ogc-api, xyz or geojson."""

    kind: str
    title: str
    abstract: str = ""
    attribution: str = ""
    layers: list[Offered] = field(default_factory=list)


@lru_cache(maxsize=2000)
def srid_of(name: str) -> int | None:
    """Return the SRID that a name of a CRS means, 3857 for all names of Web Mercator; None where it is none that can be used.

    `EPSG:4490`, `urn:ogc:def:crs:EPSG::4490`, `http://www.opengis.net/def/crs/EPSG/0/4490`, `CRS:84`, `urn:ogc:def:crs:OGC:1.3:CRS84`.
    """
    found = _CODE.search(name.strip())
    if not found:
        return None
    if found[1].upper() in ("CRS84", "84"):
        return 4326
    code = int(found[1])
    if code in _MERCATOR:
        return 3857
    try:
        CRS.from_epsg(code)
    except CRSError:
        return None
    return code


def format_of(formats: tuple[str, ...]) -> str | None:
    """Return the best picture format of some that are offered, as its service writes it; None where there is none."""
    for wanted in FIRST_FORMATS:
        for each in formats:
            if each.strip().lower().partition(";")[0] == wanted:
                return each.strip()
    return None
