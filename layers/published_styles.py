"""Styles of layers that people have published: kept beside the definitions, read with them, drawn by everybody who may see what they show."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Jsonb
from pydantic import ValidationError

from layers.access import Audience
from layers.errors import InvalidParameter, NotFound
from layers.layer import Layer, Text, Variant, area_srid
from layers.store import Store

__all__ = ["AREAS", "MEASURED", "MOST_STYLES", "OWN", "PublishedStyle", "UnknownStyle", "fault_of", "find_style", "is_shown_to", "list_styles",
           "named_fields", "publish_style", "read_variants", "withdraw_style"]

LOGGER = logging.getLogger(__name__)
# Types whose numbers classes can be made of.
MEASURED = ("integer", "number")
AREAS = ("Polygon", "MultiPolygon")
# Before a field of the layer's own that counted numbers are divided by.
OWN = "own:"
MOST_STYLES = 40
# What no document of a map service can carry.
_UNWRITTEN = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_SELECT = ("SELECT s.style_id AS id, s.layer, s.title, s.definition, s.version, s.account_id, a.display_name AS owner, s.changed_at "
           "FROM gis.layer_style s LEFT JOIN gis.account a USING (account_id) ")
_TELL = "UPDATE gis.catalogue_state SET version = version + 1"


class UnknownStyle(NotFound):
    """There is no such published style, or it is of what the reader may not see."""

    def __init__(self, number: int | str) -> None:
        super().__init__(f"There is no published style {str(number)[:20]}.", "没有这个已发布的样式。")


@dataclass(frozen=True)
class PublishedStyle:
    """A style of a layer as it was published; `definition` is that of a Variant without its name and title."""

    id: int
    layer: str
    title: str
    definition: Any
    version: int
    account_id: int | None
    owner: str | None
    changed_at: datetime

    @property
    def name(self) -> str:
        """Return the style's name on the wire."""
        return f"v{self.id}"

    def variant(self) -> Variant:
        """Return it as the layer draws it. Raises ValidationError where it was kept by another version that knew more."""
        return Variant.model_validate(self.definition | {"name": self.name, "title": Text(zh=self.title, en=self.title)})


def named_fields(layer: Layer, variant: Variant) -> Iterator[tuple[str, str]]:
    """Give the fields that a style shows, as (layer, field)."""
    of = variant.of
    if of is not None and of.field is not None:
        yield of.layer, of.field
    elif variant.field is not None:
        yield layer.id, variant.field
    if variant.per is not None and area_srid(variant.per) is None:
        is_own = of is None or variant.per.startswith(OWN)
        yield layer.id if is_own or of is None else of.layer, variant.per.removeprefix(OWN)


def fault_of(layer: Layer, variant: Variant, layers: Mapping[str, Layer]) -> tuple[str, str] | None:
    """Say in English and in Chinese why a layer can no longer be drawn so; None where it can. `layers` are all of the city."""
    if variant.of is None and variant.field is None:
        return "it names no number", "未指明数值"
    if variant.of is not None:
        counted = layers.get(variant.of.layer)
        if counted is None or counted.kind != "spatial":
            return f"there is no layer '{variant.of.layer}' to count any more", f"已没有可统计的图层“{variant.of.layer}”"
        if variant.of.measure != "count" and variant.of.field is None:
            return "it names no number", "未指明数值"
    if (variant.of is not None or area_srid(variant.per) is not None) and layer.geometry not in AREAS:
        return "the features of the layer are no areas", "图层不是面图层"
    for layer_id, name in named_fields(layer, variant):
        field = (layer if layer_id == layer.id else layers[layer_id]).by_name.get(name)
        if field is None:
            return f"the layer has no field '{name}' any more", f"图层已没有字段“{name}”"
        if field.type not in MEASURED:
            return f"the field '{name}' is no number any more", f"字段“{name}”已不是数值"
    return None


def is_shown_to(layer: Layer, variant: Variant, audience: Audience) -> bool:
    """May an audience see what a style shows: the fields that it names and, where it counts, the layer that is counted?"""
    counted = variant.counted
    if variant.of is not None and (counted is None or not audience.may_read(counted.id)):
        return False
    readable = {(each.id, f.name) for each in (layer, counted) if each is not None for f in audience.fields(each)}
    return audience.may_read(layer.id) and all(named in readable for named in named_fields(layer, variant))


def read_variants(connection: psycopg.Connection, layers: dict[str, Layer]) -> tuple[dict[str, tuple[Variant, ...]], dict[str, int]]:
    """Return the published styles that can be drawn, by layer, and how often the styles of each layer have changed."""
    with connection.cursor(row_factory=class_row(PublishedStyle)) as cursor:
        found = cursor.execute(_SELECT + "WHERE s.withdrawn_at IS NULL ORDER BY s.style_id").fetchall()
    variants: dict[str, tuple[Variant, ...]] = {}
    for each in found:
        layer = layers.get(each.layer)
        try:
            variant = each.variant()
        except ValidationError:
            LOGGER.warning("the published style %s of layer %s is not understood and is left out", each.id, each.layer)
            continue
        if layer is not None and layer.kind == "spatial" and fault_of(layer, variant, layers) is None:
            variants[each.layer] = (*variants.get(each.layer, ()), variant.counting(layers[variant.of.layer]) if variant.of else variant)
    changes = connection.execute("SELECT layer, changes FROM gis.style_changes()").fetchall()
    return variants, {layer: int(count) for layer, count in changes}


def publish_style(store: Store, layer: Layer, account_id: int, title: str, variant: Variant, may_replace_others: bool = False) -> PublishedStyle:
    """Publish a style of a layer; one of the same title that the account has published is replaced by a new version.

    Raises InvalidParameter for a title that cannot be one or under which somebody else has published, a number that the layer has not, and
    where the layer has MOST_STYLES already.
    """
    plain = " ".join(title.split())
    if not 0 < len(plain) <= 80 or _UNWRITTEN.search(plain):
        raise InvalidParameter("title", "has 1 to 80 characters, none of them a control character.", "须为 1 至 80 个字符，且不含控制字符")
    if (fault := fault_of(layer, variant, {} if variant.counted is None else {variant.counted.id: variant.counted})) is not None:
        raise InvalidParameter("value", f"{fault[0]}.", fault[1])
    kept = variant.model_dump(mode="json", exclude_defaults=True, exclude={"name", "title"})
    with store.write() as connection:
        # Two who publish at once must not both find the last free place.
        connection.execute("SELECT version FROM gis.catalogue_state FOR UPDATE")
        there = connection.execute("SELECT account_id, withdrawn_at IS NULL FROM gis.layer_style WHERE layer = %s AND title = %s", (layer.id, plain)).fetchone()
        if there is not None and there[1] and there[0] not in (None, account_id) and not may_replace_others:
            raise InvalidParameter("title", f"is that of a style that somebody else has published ('{plain}'); choose another one.", f"他人已发布同名样式“{plain}”，请换一个名称")
        row = connection.execute("SELECT count(*) FROM gis.layer_style WHERE layer = %s AND title <> %s AND withdrawn_at IS NULL", (layer.id, plain)).fetchone()
        if row is not None and row[0] >= MOST_STYLES:
            raise InvalidParameter("layer", f"has {MOST_STYLES} published styles already; withdraw one first.", f"该图层已有 {MOST_STYLES} 个已发布样式，请先撤回一个")
        made = connection.execute(
            "INSERT INTO gis.layer_style (layer, title, definition, account_id) VALUES (%s, %s, %s, %s) ON CONFLICT (layer, title) DO UPDATE SET "
            "definition = excluded.definition, account_id = excluded.account_id, version = layer_style.version + 1, withdrawn_at = NULL, "
            "changed_at = clock_timestamp() RETURNING style_id", (layer.id, plain, Jsonb(kept), account_id)).fetchone()
        assert made is not None
        connection.execute(_TELL)
        return _found(connection, made[0])


def list_styles(store: Store, layers: list[str]) -> list[PublishedStyle]:
    """Return the published styles of some layers, by layer and title."""
    with store.read() as connection, connection.cursor(row_factory=class_row(PublishedStyle)) as cursor:
        return cursor.execute(_SELECT + "WHERE s.layer = ANY (%s) AND s.withdrawn_at IS NULL ORDER BY s.layer, s.title", (layers,)).fetchall()


def find_style(store: Store, number: int, audience: Audience) -> PublishedStyle:
    """Return a published style of a layer that an audience may read. Raises UnknownStyle."""
    with store.read() as connection:
        found = _found(connection, number)
    if not audience.may_read(found.layer):
        raise UnknownStyle(number)
    return found


def withdraw_style(store: Store, number: int) -> None:
    """Take a published style away from everybody. Raises UnknownStyle."""
    with store.write() as connection:
        if connection.execute("UPDATE gis.layer_style SET withdrawn_at = clock_timestamp(), version = version + 1 "
                              "WHERE style_id = %s AND withdrawn_at IS NULL", (number,)).rowcount == 0:
            raise UnknownStyle(number)
        connection.execute(_TELL)


def _found(connection: psycopg.Connection, number: int) -> PublishedStyle:
    with connection.cursor(row_factory=class_row(PublishedStyle)) as cursor:
        found = cursor.execute(_SELECT + "WHERE s.style_id = %s AND s.withdrawn_at IS NULL", (number,)).fetchone()
    if found is None:
        raise UnknownStyle(number)
    return found
