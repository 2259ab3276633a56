"""From a wish to a report: what is in it is read with the rights of who asked, and is as much as a browser draws and a mail carries."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from itertools import batched
from math import cos, radians
from zoneinfo import ZoneInfo

import orjson

from gisserver.filter_words import filter_words
from gisserver.reports.content import Facts, LayerContent, TableContent, add_features, layer_content, table_content
from gisserver.reports.wish import MOST_BYTES, MOST_FEATURES, ReportWish
from gisserver.sheets.asking import Asking
from gisserver.sheets.page import UNWRITTEN
from gisserver.wording import WrongParameter
from layers.crs import box_to_srid
from layers.errors import InvalidParameter
from layers.features import count, rows
from layers.filters import parse_filter, question
from layers.history import seq_at
from layers.layer import Layer, LayerField
from layers.moments import parse_moment
from layers.query import ItemQuery
from layers.statistics import COUNTED, Grouping, chosen_field, statistics
from spatial_models.words import Words
from tiles.coverages import Rasters, rasters_of
from tiles.imagery import Look, encode, picture
from tiles.map_view import MapView
from tiles.mapnik_source import draw
from tiles.mapnik_style import BACKGROUND
from tiles.measured import drawn_numbers
from tiles.themes import themed

__all__ = ["ReportMaker", "TooLarge"]

WORDS = {
    "zh": {"author": "作者", "made": "制作", "state": "数据时点", "now": "当前", "known": "已知至", "range": "范围", "city": "全市", "filter": "筛选", "base": "底图",
           "imagery": "影像", "map": "地图", "title": "{city}地图报告"},
    "en": {"author": "Author", "made": "Made by", "state": "As of", "now": "now", "known": "As known at", "range": "Area", "city": "the whole city", "filter": "Filter",
           "base": "Base", "imagery": "imagery", "map": "map", "title": "{city}, report of the map"}}
PICTURE_PX = 1600
BATCH = 2_000
Box = tuple[float, float, float, float]


class TooLarge(InvalidParameter):
    """There is more in a report than a browser draws smoothly or a mail carries."""

    def __init__(self, found: str, chinese: str) -> None:
        super().__init__("layers", f"the report would hold {found}; zoom in, filter the layers or leave some out.", f"报告将包含{chinese}；请放大、筛选或减少图层")


class ReportMaker:
    """Makes a report. What is wrong with the wish, or too much, is found when it is made.

    Raises InvalidParameter that names the member, TooLarge, UnknownLayer.
    """

    def __init__(self, asking: Asking, wish: ReportWish) -> None:
        wish.check()
        self.asking, self.wish, self.city = asking, wish, asking.catalogue.city
        self.words = WORDS[asking.language]
        self.known = self._known()
        self.box: Box = tuple(wish.bbox) if wish.bbox else self.city.extent  # type: ignore[assignment]
        self.queries = [self._query(number) for number in range(len(wish.layers))]
        self.fields = [self._fields(number, query.layer) for number, query in enumerate(self.queries)]
        self.tables = [self._table(number) for number in range(len(wish.tables))]
        self.photo = self._imagery()
        left = MOST_FEATURES
        for query in self.queries:
            left -= count(asking.store, query, left + 1)
            if left < 0:
                raise TooLarge(f"more than {MOST_FEATURES:,} features", f"超过 {MOST_FEATURES:,} 个要素")

    def make(self, told: Callable[[float, Words | None], None] = lambda share, message: None) -> bytes:
        """Return the page; `told` hears the share that is done and what is being done."""
        # A server that makes no report does without folium.
        from gisserver.reports.page import report_page

        steps = len(self.queries) + len(self.tables) + 2
        done, size = 0, 0
        layers: list[LayerContent] = []
        for query, fields in zip(self.queries, self.fields, strict=True):
            title = query.layer.title
            told(done / steps, Words(f"Reading {title.en}", f"正在读取{title.zh}"))
            layers.append(self._read(query, fields, size))
            size += layers[-1].bytes
            done += 1
        tables: list[TableContent] = []
        for query, grouping, sums, has_chart in self.tables:
            told(done / steps, Words(f"Adding up {query.layer.title.en}", f"正在统计{query.layer.title.zh}"))
            found = statistics(self.asking.store, query, tuple(f.name for f in sums), Grouping(grouping.name))
            tables.append(table_content(query.layer, self.asking.audience, grouping, sums, found, self.asking.language, has_chart))
            done += 1
        told(done / steps, Words("Drawing the base", "正在绘制底图"))
        base = self._picture()
        told((done + 1) / steps, Words("Writing the page", "正在生成页面"))
        page = report_page(self._facts(), layers, tables, self.box, base)
        if len(page) > 2 * MOST_BYTES:
            raise TooLarge(f"{len(page) // 2**20} MB", f"{len(page) // 2**20} MB")
        return page

    def _known(self) -> int | None:
        text = None if self.wish.known_at is None else str(self.wish.known_at)
        if text is None:
            return None
        return int(text) if text.isascii() and text.isdecimal() and len(text) < 17 else seq_at(self.asking.store, parse_moment(text, "known_at").at)

    def _at(self, own: str | None = None, place: str = "datetime") -> datetime | None:
        text = own or self.wish.datetime
        return None if text is None else parse_moment(text, place if own else "datetime").at

    def _query(self, number: int) -> ItemQuery:
        each, place = self.wish.layers[number], f"layers.{number}"
        layer = self.asking.layer(each.layer)
        if layer.geometry is None or not layer.is_stored:
            raise WrongParameter(f"{place}.layer", "geometry_kind", layer=layer.id)
        if each.style is not None:
            found = themed(layer, each.style, self.asking.audience)
            if found is None:
                raise InvalidParameter(f"{place}.style", f"the layer '{layer.id}' has no style '{each.style[:60]}'.", f"图层“{layer.id}”没有样式“{each.style[:60]}”")
            layer = found
        condition = None if each.filter is None else parse_filter(orjson.dumps(each.filter).decode(), "cql2-json")
        query = ItemQuery(layer, self.asking.audience, at=self._at(each.datetime, f"{place}.datetime"), known_at=self.known, filter=condition,
                          bbox=self.box if self.wish.bbox else None, limit=None)
        question(query, self.city.storage_srid)
        return query

    def _fields(self, number: int, layer: Layer) -> tuple[LayerField, ...]:
        visible = {f.name: f for f in self.asking.audience.fields(layer)}
        names = self.wish.layers[number].fields
        if names is None:
            return tuple(visible.values())
        for name in names:
            if name not in visible:
                raise WrongParameter(f"layers.{number}.fields", "choice", value=name[:60], choices=", ".join(visible))
        return tuple(visible[name] for name in names)

    def _table(self, number: int) -> tuple[ItemQuery, LayerField, tuple[LayerField, ...], bool]:
        table, place = self.wish.tables[number], f"tables.{number}"
        query = next(q for q in self.queries if q.layer.id == table.layer)
        by = chosen_field(query, table.by, f"{place}.by", ("code", "string", "boolean", "integer", "date", "datetime"))
        return query, by, tuple(chosen_field(query, name, f"{place}.fields", COUNTED) for name in table.fields), table.chart

    def _imagery(self) -> tuple[Layer, Rasters, Look] | None:
        if self.wish.imagery is None:
            return None
        layer = self.asking.layer(self.wish.imagery)
        kind = layer.coverage or {}
        if layer.kind != "coverage" or kind.get("kind") == "elevation":
            raise InvalidParameter("imagery", f"'{layer.id}' is no imagery.", f"“{layer.id}”不是影像图层")
        return layer, rasters_of(self.asking.store, self.asking.var, layer, self._at(), known_at=self.known), Look(tuple(int(n) for n in kind.get("bands") or ()))

    def _read(self, query: ItemQuery, fields: tuple[LayerField, ...], size: int) -> LayerContent:
        content, layer = layer_content(query.layer, self.asking.audience, fields, self.asking.language), query.layer
        drawn = (layer.symbology.field, layer.label) if layer.symbology else (None, layer.label)
        visible = {f.name for f in self.asking.audience.fields(layer)}
        names = dict.fromkeys((*(f.name for f in fields), *(name for name in drawn if name in visible)))
        asked = replace(query, fields=tuple(n for n in names if n is not None), limit=MOST_FEATURES + 1)
        numbers = drawn_numbers(self.asking.store, query)
        for some in batched(rows(self.asking.store, asked, "wkb"), BATCH):
            add_features(content, layer, self.asking.audience, fields, some, self.asking.language, self.city.time_zone, numbers)
            if size + content.bytes > MOST_BYTES or len(content.features) > MOST_FEATURES:
                raise TooLarge(f"more than {MOST_BYTES // 2**20} MB of features", f"超过 {MOST_BYTES // 2**20} MB 的要素")
        return content

    def _picture(self) -> tuple[str, Box] | None:
        """Return the base as a data URI: drawn in Web Mercator, as the map that it lies under."""
        if self.wish.base == "none":
            return None
        minx, miny, maxx, maxy = box_to_srid(self.box, 4326, 3857).bounds
        longer = PICTURE_PX / max(maxx - minx, maxy - miny)
        width, height = (max(1, round(side * longer)) for side in (maxx - minx, maxy - miny))
        if self.photo is not None:
            _, rasters, look = self.photo
            shown = picture(rasters, (minx, miny, maxx, maxy), 3857, width, height, look)
            if shown is None:
                return None
            body, kind = encode(shown)
        else:
            mine = {query.layer.id for query in self.queries}
            layers = [layer for layer in self.asking.catalogue.layers.values() if layer.kind == "spatial" and self.asking.audience.may_read(layer.id)
                      and layer.symbology is not None and layer.symbology.visible and layer.id not in mine]
            queries = [ItemQuery(layer, self.asking.audience, at=self._at(), known_at=self.known) for layer in layers]
            made = draw(self.asking.store, queries, MapView((minx, miny, maxx, maxy), 3857, width, height), language=self.asking.language, background=BACKGROUND)
            body, kind = made.body, made.media_type
        return f"data:{kind};base64,{b64encode(body).decode()}", self.box

    def _facts(self) -> Facts:
        asking, wish, w = self.asking, self.wish, self.words
        city = getattr(self.city.title, asking.language)
        time = datetime.now(ZoneInfo(self.city.time_zone)).strftime("%Y-%m-%d %H:%M")
        lines = [(w["author"], wish.author.strip())] if wish.author.strip() else []
        lines += [(w["made"], f"{asking.user} · {time}"), (w["state"], wish.datetime or w["now"])]
        if wish.known_at is not None:
            lines.append((w["known"], str(wish.known_at)))
        lines.append((w["range"], self._range() if wish.bbox else w["city"]))
        for query in self.queries:
            if query.filter is not None:
                readable = frozenset(f.name for f in asking.audience.fields(query.layer))
                said = filter_words(query.layer, query.filter, asking.language, readable)
                lines.append((w["filter"], f"{getattr(query.layer.title, asking.language)}: {said}"))
        if wish.base != "none":
            lines.append((w["base"], getattr(self.photo[0].title, asking.language) if self.photo else w["map"]))
        title = UNWRITTEN.sub(" ", wish.title).strip() or w["title"].format(city=city)
        return Facts(title, asking.language, tuple((name, UNWRITTEN.sub(" ", text)) for name, text in lines))

    def _range(self) -> str:
        minx, miny, maxx, maxy = self.box
        wide = (maxx - minx) * 111.32 * cos(radians((miny + maxy) / 2))
        return f"{minx:.4f}, {miny:.4f} – {maxx:.4f}, {maxy:.4f} ({wide:.1f} × {(maxy - miny) * 110.57:.1f} km)"
