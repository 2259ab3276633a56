"""From a wish to a file: what is asked for is read with the rights of who asked, now or by a job."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from time import monotonic
from zoneinfo import ZoneInfo

import orjson
import shapely
from pyproj import CRS

from gisserver.filter_words import filter_words
from gisserver.outside.asking import Outside
from gisserver.routes.thematic import ValueBody
from gisserver.sheets.asking import Asking
from gisserver.sheets.furniture import Furniture
from gisserver.sheets.gathered import GatheredTheme
from gisserver.sheets.imagery import photo_of, years_of
from gisserver.sheets.legend import Entry, legend_of
from gisserver.sheets.marks import MARKED, Mark, mark_of
from gisserver.sheets.outside import OutsideSheet
from gisserver.sheets.page import UNWRITTEN, SheetPage
from gisserver.sheets.paper import paper_of
from gisserver.sheets.sheet import Sheet, Stratum, as_picture, make_sheets
from gisserver.sheets.theme_shapes import ThemeQuestion, shapes_of, theme_legend
from gisserver.sheets.wish import CLASSED_KINDS, PrintedTheme, Wish
from gisserver.wording import WrongParameter
from layers.crs import to_srid, transformer
from layers.errors import InvalidParameter, UnknownFeature
from layers.features import rows
from layers.filters import parse_filter, question
from layers.history import seq_at
from layers.layer import Layer
from layers.moments import parse_moment
from layers.query import ItemQuery
from layers.statement import SameLayer
from layers.statistics import CLASSED, chosen_field
from spatial_models.words import Words
from tiles.colored_page import draw_colored
from tiles.coverages import Rasters, rasters_of
from tiles.imagery import Look
from tiles.mapnik_page import draw_page, draw_strata, view_of
from tiles.themes import themed

__all__ = ["SHEET_WORDS", "Made", "SheetMaker"]

SHEET_WORDS = {
    "zh": {"seal": "（盖章区）", "north": "北", "system": "坐标系 {name}（EPSG:{srid}）", "state": "数据时点 {day}", "now": "当前", "page": "第 {number} / {count} 页",
           "made": "{user} 制图 {time}", "imagery": "影像：{text}", "no_imagery": "影像：图幅范围内没有", "filter": "筛选 {layer}：{text}",
           "marks": "标绘", "drawing": "正在绘制第 {number} / {count} 页", "writing": "正在写入文件"},
    "en": {"seal": "(seal)", "north": "N", "system": "{name} (EPSG:{srid})", "state": "City as of {day}", "now": "now", "page": "Page {number} of {count}",
           "made": "Printed by {user}, {time}", "imagery": "Imagery: {text}", "no_imagery": "Imagery: none in the frame", "filter": "{layer}: {text}",
           "marks": "marks",
           "drawing": "Drawing page {number} of {count}", "writing": "Writing the file"}}
# Over imagery areas are a tint, as on the screen.
OVER_IMAGERY = 0.22
MOST_MARKS = 5_000
# So long (s) waits a page at most for services of others, and all pages of a job together, which has its own end.
OTHERS_S, ALL_OTHERS_S = 60.0, 300.0
# Cells of heat, clusters and charts of all pages together: they are held until the last one is drawn.
MOST_GATHERED = 600_000
KINDS = {"pdf": "application/pdf", "png": "image/png"}


@dataclass(frozen=True)
class Made:
    """A finished file, its media type, how many pages it has."""

    body: bytes
    media_type: str
    pages: int


class SheetMaker:
    """Makes the sheets of a wish. What is wrong with the wish is found when it is made, before anything is drawn.

    `outside` is the way to services of others, where the process has one that remembers who did not answer.

    Raises InvalidParameter that names the member, UnknownLayer, UnknownFeature.
    """

    def __init__(self, asking: Asking, wish: Wish, outside: Outside | None = None) -> None:
        wish.check()
        self.asking, self.wish = asking, wish
        self.city = asking.catalogue.city
        self.words = SHEET_WORDS[asking.language]
        self.known = self._known()
        self.queries = [self._query(number) for number in range(len(wish.layers))]
        self.themes = [self._theme(number, each) for number, each in enumerate(wish.themes) if each.kind in CLASSED_KINDS]
        self.gathered = [self._gathered(number, each) for number, each in enumerate(wish.themes) if each.kind not in CLASSED_KINDS]
        self.photo = self._imagery()
        way_out = outside or Outside(asking.store)
        self.others_s = ALL_OTHERS_S
        self.outside = [(each.over, OutsideSheet(way_out, each.layer, each.opacity, asking.language)) for each in wish.outside]
        title = UNWRITTEN.sub(" ", wish.title).strip() or str(getattr(self.city.title, asking.language))
        self.pages = self._atlas_pages(title) if wish.atlas else [
            SheetPage(paper_of(wish.paper, wish.orientation), self._projected(wish.center or []), wish.scale, title)]

    def make(self, told: Callable[[float, Words | None], None] = lambda share, message: None, others_s: float = ALL_OTHERS_S) -> Made:
        """Draw the sheets; `told` hears the share that is done and what is being done. All pages together wait `others_s` for services of others."""
        done, room, self.others_s = 0, MOST_GATHERED, others_s
        for each in self.gathered:
            room -= each.gather(self.asking.store, self.pages, room)

        def draw(page: SheetPage) -> Sheet:
            nonlocal done
            done += 1
            told((done - 1) / len(self.pages), self._telling("drawing", number=done, count=len(self.pages)))
            return self._sheet(page)

        made = make_sheets(self.pages, draw, self._furniture())
        told(0.95, self._telling("writing"))
        body = as_picture(made) if self.wish.format == "png" else made
        return Made(body, KINDS[self.wish.format], len(self.pages))

    def _telling(self, key: str, **values: int) -> Words:
        return Words(*(SHEET_WORDS[language][key].format(**values) for language in ("en", "zh")))

    # What is asked

    def _known(self) -> int | None:
        text = None if self.wish.known_at is None else str(self.wish.known_at)
        if text is None:
            return None
        if text.isascii() and text.isdecimal() and len(text) < 17:
            return int(text)
        return seq_at(self.asking.store, parse_moment(text, "known_at").at)

    def _at(self, own: str | None, place: str) -> datetime | None:
        return _moment(own, f"{place}.datetime") or _moment(self.wish.datetime, "datetime")

    def _query(self, number: int) -> ItemQuery:
        each, place = self.wish.layers[number], f"layers.{number}"
        layer = self._spatial(each.layer, f"{place}.layer")
        if each.style is not None:
            found = themed(layer, each.style, self.asking.audience)
            if found is None:
                raise InvalidParameter(f"{place}.style", f"the layer '{layer.id}' has no style '{each.style[:60]}'.", f"图层“{layer.id}”没有样式“{each.style[:60]}”")
            layer = found
        return self._asked(layer, each.filter, self._at(each.datetime, place))

    def _spatial(self, layer_id: str, place: str) -> Layer:
        layer = self.asking.layer(layer_id)
        if layer.geometry is None or not layer.is_stored:
            raise WrongParameter(place, "geometry_kind", layer=layer.id)
        return layer

    def _asked(self, layer: Layer, condition: object, at: datetime | None) -> ItemQuery:
        found = None if condition is None else parse_filter(condition if isinstance(condition, str) else orjson.dumps(condition).decode(),
                                                            None if isinstance(condition, str) else "cql2-json")
        made = ItemQuery(layer, self.asking.audience, at=at, known_at=self.known, filter=found, limit=None)
        # Names and values of a filter are looked at here, not when the first page is half drawn.
        question(made, self.city.storage_srid)
        return made

    def _theme(self, number: int, theme: PrintedTheme) -> ThemeQuestion:
        place = f"themes.{number}"
        layer, at = self._spatial(theme.layer, f"{place}.layer"), self._at(theme.datetime, place)

        def inner(value: ValueBody | None) -> ItemQuery | None:
            return None if value is None or value.of is None else self._asked(self._spatial(value.of.layer, f"{place}.value.of.layer"), value.of.filter, at)

        return ThemeQuestion(theme, self._asked(layer, theme.filter, at), inner(theme.value), inner(theme.second))

    def _gathered(self, number: int, theme: PrintedTheme) -> GatheredTheme:
        place = f"themes.{number}"
        query = self._asked(self._spatial(theme.layer, f"{place}.layer"), theme.filter, self._at(theme.datetime, place))
        if theme.kind == "charts":
            chosen_field(query, theme.by or "", f"{place}.by", CLASSED)
        return GatheredTheme(theme, query, self.city.projected_srid)

    def _imagery(self) -> tuple[Layer, Rasters, Look] | None:
        asked = self.wish.imagery
        if asked is None:
            return None
        layer = self.asking.layer(asked.layer)
        kind = layer.coverage or {}
        if layer.kind != "coverage" or kind.get("kind") == "elevation":
            raise InvalidParameter("imagery.layer", f"'{layer.id}' is no imagery.", f"“{layer.id}”不是影像图层")
        found = rasters_of(self.asking.store, self.asking.var, layer, self._at(asked.datetime, "imagery"), known_at=self.known)
        return layer, found, Look(tuple(int(n) for n in kind.get("bands") or ()))

    def _projected(self, center: list[float]) -> tuple[float, float]:
        try:
            point = to_srid(shapely.Point(center), 4326, self.city.projected_srid)
        except ValueError:
            raise WrongParameter("center", "bbox_degrees") from None
        if point.is_empty or not all(abs(v) < 1e8 for v in (point.x, point.y)):
            raise WrongParameter("center", "bbox_degrees")
        return point.x, point.y

    def _atlas_pages(self, title: str) -> list[SheetPage]:
        """Return a page for each feature, in the order asked for, with its outline and its name."""
        wish, asking = self.wish, self.asking
        assert wish.atlas is not None
        layer = asking.layer(wish.atlas.layer)
        if layer.geometry is None:
            raise WrongParameter("atlas.layer", "geometry_kind", layer=layer.id)
        query = ItemQuery(layer, asking.audience, at=_moment(wish.datetime, "datetime"), known_at=self.known, fids=tuple(wish.atlas.fids),
                          srid=self.city.projected_srid, limit=None)
        found = {row["id"]: row for row in rows(asking.store, query, "wkb")}
        pages = []
        for number, fid in enumerate(wish.atlas.fids, 1):
            row = found.get(fid)
            if row is None or row["geometry"] is None:
                raise UnknownFeature(layer.id, fid)
            geometry = shapely.force_2d(shapely.from_wkb(row["geometry"]))
            minx, miny, maxx, maxy = geometry.bounds
            name = row.get(layer.label or "") or f"#{fid}"
            pages.append(SheetPage(paper_of(wish.paper, wish.orientation), ((minx + maxx) / 2, (miny + maxy) / 2), wish.scale,
                                   UNWRITTEN.sub(" ", f"{title} · {name}"), (geometry,), (number, len(wish.atlas.fids))))
        return pages

    # What is drawn

    def _sheet(self, page: SheetPage) -> Sheet:
        srid, store = self.city.projected_srid, self.asking.store
        view = view_of(page.center, srid, page.scale, page.paper.width, page.paper.height)
        strata: list[Stratum] = []
        notes: list[str] = []
        if self.photo is not None:
            layer, rasters, look = self.photo
            photo = photo_of(rasters, look, page, srid)
            strata += [photo] if photo else []
            around = transformer(srid, 4326).transform_bounds(*page.box)
            text = " ".join(part for part in (getattr(layer.title, self.asking.language), years_of(rasters, page, around)) if part)
            notes.append(self.words["imagery"].format(text=text) if photo else self.words["no_imagery"])
        shown = [query if self.photo is None else replace(query, layer=_tint(SameLayer(query.layer))) for query in self.queries if not self._is_marked(query)]
        # A thematic map lies upon its own layer, under those above and under all letters; circles lie upon all.
        ranks = {query.layer.id: n for n, query in enumerate(shown)}
        circles = [each for each in self.themes if each.theme.kind == "graduated"]
        between = sorted((each for each in self.themes if each not in circles and each.layer.id in ranks), key=lambda each: ranks[each.layer.id])
        circles += [each for each in self.themes if each not in circles and each not in between]
        upper: list[Stratum] = []
        begun = monotonic()
        for is_over, other in self.outside:
            brought = other.bring(page, view, srid, begun + min(OTHERS_S, self.others_s))
            (upper if is_over else strata).extend(brought.strata)
            notes += brought.notes
        self.others_s -= monotonic() - begun
        if between or upper:
            pages = draw_strata(store, shown, view, self.asking.language, [each.layer.id for each in between])
            for ground, theme in zip(pages, between, strict=False):
                strata += [ground, draw_colored(*shapes_of(store, theme, page.box, srid), view)]
            # Letters of the city stay above what others have.
            strata += [*pages[len(between):-1], *upper, pages[-1]]
        else:
            strata.append(draw_page(store, shown, view, self.asking.language, None if strata else "#ffffff"))
        strata += [draw_colored(*shapes_of(store, theme, page.box, srid), view) for theme in circles]
        strata += [each.heat(page) for each in self.gathered if each.theme.kind == "heat"]
        over = [each.draw for each in self.gathered if each.theme.kind != "heat"]
        return Sheet(page, strata, self._marks(page), notes, over)

    def _is_marked(self, query: ItemQuery) -> bool:
        """Are the features of a layer marks with colours of their own, as far as the reader may know them?"""
        name, needed = MARKED
        return query.layer.id == name and needed <= {f.name for f in self.asking.audience.fields(query.layer)}

    def _marks(self, page: SheetPage) -> list[Mark]:
        found: list[Mark] = []
        for query in filter(self._is_marked, self.queries):
            asked = replace(query, bbox=page.box, bbox_srid=self.city.projected_srid, srid=self.city.projected_srid, limit=MOST_MARKS)
            found += [mark for row in rows(self.asking.store, asked, "wkb") if (mark := mark_of(row)) is not None]
        return found

    def _furniture(self) -> Furniture:
        asking, wish, words = self.asking, self.wish, self.words
        time = datetime.now(ZoneInfo(self.city.time_zone)).strftime("%Y-%m-%d %H:%M")
        user = UNWRITTEN.sub(" ", asking.user)
        system = words["system"].format(name=CRS.from_epsg(self.city.projected_srid).name, srid=self.city.projected_srid)
        notes = [system, words["state"].format(day=wish.datetime or words["now"]), words["made"].format(user=user, time=time)]
        for query in self.queries:
            if query.filter is not None:
                readable = frozenset(f.name for f in asking.audience.fields(query.layer))
                said = filter_words(query.layer, query.filter, asking.language, readable)
                notes.append(words["filter"].format(layer=getattr(query.layer.title, asking.language), text=UNWRITTEN.sub(" ", said)))
        return Furniture(words, self._legend() if wish.legend else [], wish.grid, wish.seal, f"{user} {time}", tuple(notes))

    def _legend(self) -> list[Entry]:
        asking, drawn = self.asking, dict[str, Layer]()
        for query in reversed(self.queries):
            drawn.setdefault(query.layer.id, query.layer)
        entries = [entry for theme in self.themes for entry in theme_legend(theme, asking.language)]
        entries += [entry for each in self.gathered for entry in each.legend(asking.language)]
        return entries + legend_of(drawn.values(), asking.audience, asking.language)


def _moment(text: str | None, name: str) -> datetime | None:
    return None if text is None else parse_moment(text, name).at


@lru_cache(maxsize=200)
def _tint(same: SameLayer) -> Layer:
    """Return a layer as it is drawn over imagery: of areas one sees what lies under them."""
    layer, s = same.layer, same.layer.symbology
    if s is None or layer.geometry not in ("Polygon", "MultiPolygon"):
        return layer
    # Not as faint as what is drawn as an outline alone, whose classes would be in the outline.
    opacity = max(s.opacity * OVER_IMAGERY, 0.06) if s.opacity > 0.05 else s.opacity
    return layer.model_copy(update={"symbology": s.model_copy(update={"opacity": opacity})})
