"""Documents of others read with care: XML without entities, JSON of bounded depth, text that is only text."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit
from xml.etree.ElementTree import Element, ParseError

import orjson
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

__all__ = ["Unreadable", "XLINK", "all_named", "name_of", "named", "plain", "read_box", "read_json", "read_xml", "said", "with_query", "without_query"]

XLINK = "{http://www.w3.org/1999/xlink}href"
_DEEPEST = 60


class Unreadable(Exception):
    """A document is not what it should be."""


def plain(text: Any, most: int = 300) -> str:
    """Return a text of somebody else's on one line, without control characters and cut to a length."""
    if not isinstance(text, str):
        return ""
    kept = "".join(" " if c.isspace() else c for c in text[:most * 4] if c.isspace() or unicodedata.category(c)[0] != "C")
    short = " ".join(kept.split())
    return short if len(short) <= most else f"{short[:most - 1]}…"


def read_xml(body: bytes) -> Element:
    """Read XML. A document type is passed over, unread; entities of its own making are refused. Raises Unreadable."""
    try:
        root = fromstring(body, forbid_dtd=False, forbid_entities=True, forbid_external=True)
    except DefusedXmlException:
        raise Unreadable("it declares entities, which are not taken") from None
    except (ParseError, ValueError, LookupError, RecursionError):
        raise Unreadable("it is no XML that can be read") from None
    if not isinstance(root, Element):
        raise Unreadable("it is no XML that can be read")
    return root


def name_of(element: Element) -> str:
    """Return the name of an element without its namespace."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def all_named(element: Element | None, *path: str) -> Iterator[Element]:
    """Give the elements at the end of a path of names, whatever their namespaces."""
    if element is None:
        return
    first, *rest = path
    for each in element:
        if name_of(each) == first:
            if rest:
                yield from all_named(each, *rest)
            else:
                yield each


def named(element: Element | None, *path: str) -> Element | None:
    """Return the first element at the end of a path of names, None where there is none."""
    return next(all_named(element, *path), None)


def said(element: Element | None, *path: str, most: int = 300) -> str:
    """Return the text of an element as plain text; empty where there is none."""
    found = named(element, *path) if path else element
    return plain(found.text, most) if found is not None and found.text else ""


def read_json(body: bytes) -> Any:
    """Read JSON. Raises Unreadable, also for what is nested too deeply."""
    try:
        found = orjson.loads(body)
    except (orjson.JSONDecodeError, RecursionError):
        raise Unreadable("it is no JSON that can be read") from None
    level = [found]
    for _ in range(_DEEPEST):
        level = [part for each in level if isinstance(each, (dict, list)) for part in (each.values() if isinstance(each, dict) else each)
                 if isinstance(part, (dict, list))]
        if not level:
            return found
    raise Unreadable("it is nested too deeply")


def read_box(numbers: Any) -> list[float] | None:
    """Return west, south, east, north in degrees from four (or six) numbers of somebody else's; None where they are no box."""
    try:
        given = [float(each) for each in numbers]
    except (TypeError, ValueError):
        return None
    if len(given) == 6:
        given = [given[0], given[1], given[3], given[4]]
    if len(given) != 4 or not all(map(math.isfinite, given)):
        return None
    west, south, east, north = max(-180.0, given[0]), max(-90.0, given[1]), min(180.0, given[2]), min(90.0, given[3])
    return [round(v, 6) for v in (west, south, east, north)] if west < east and south < north else None


def with_query(address: str, parameters: dict[str, str]) -> str:
    """Return an address with parameters; those of the same name (in any case) are replaced."""
    parts = urlsplit(address)
    names = {name.upper() for name in parameters}
    kept = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name.upper() not in names]
    return urlunsplit((parts.scheme, parts.netloc, parts.path, urlencode([*kept, *parameters.items()], safe="/:,{}"), ""))


def without_query(address: str, *names: str) -> str:
    """Return an address without some parameters, in whatever case they are written."""
    parts = urlsplit(address)
    kept = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name.upper() not in names]
    return urlunsplit((parts.scheme, parts.netloc, parts.path, urlencode(kept, safe="/:,{}"), ""))
