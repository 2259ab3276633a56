"""Heat, clusters and charts on paper: features gathered in the cells of the screen at the sheet's scale, as the server counts them for this reader."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from fpdf import FPDF
from PIL import Image

from gisserver.sheets.legend import Entry
from gisserver.sheets.page import SheetPage, rgb
from gisserver.sheets.sheet import Photo
from gisserver.sheets.wish import PrintedTheme
from layers.crs import transformer
from layers.errors import InvalidParameter
from layers.layer import Layer
from layers.query import ItemQuery
from layers.store import Store
from layers.theme_values import Cell, cells
from tiles.heat import STOPS, evenly, heat
from tiles.map_view import WORLD_M
from tiles.mapnik_page import view_of

__all__ = ["GatheredTheme"]

# The numbers of the map client: sides of cells, radii of circles, opacities, in pixels of 96 to the inch.
CELL_PX = {"heat": 14, "cluster": 72, "charts": 88}
SMALLEST_PX, MORE_PX, HEAT_PX = 11.0, 19.0, 26.0
HEAT_OPACITY, CLUSTER_OPACITY, TEXT_PX = 0.8, 0.88, 11.0
CLUSTER_COLOR, INK = "#2b8cbe", "#1d262e"
MM_PX = 25.4 / 96
# An A0 sheet has 75 000 cells of heat.
MOST_CELLS = 120_000
MOST_PIXELS = 6_000_000
# An arc is drawn by straight pieces of so many degrees.
_PIECE = math.radians(4)
TILE_PX = 512


@dataclass
class GatheredTheme:
    """A theme of cells, the question to its layer, and what was counted for each page. The most in a cell is that of all pages,
    so that one legend holds for a whole atlas."""

    theme: PrintedTheme
    query: ItemQuery
    srid: int
    found: list[tuple[SheetPage, int, list[Cell]]] = field(default_factory=list)

    @property
    def layer(self) -> Layer:
        return self.query.layer

    @property
    def most(self) -> int:
        """Return how many features the fullest cell holds, 1 at least."""
        return max([1, *(cell.count for _, _, made in self.found for cell in made)])

    def gather(self, store: Store, pages: Sequence[SheetPage], room: int) -> int:
        """Count the features of every page; return how many cells these are. Raises InvalidParameter for more than `room`, or than can be drawn on one."""
        for page in pages:
            by = self.theme.by if self.theme.kind == "charts" else None
            # Heat reaches into the frame from outside.
            more = HEAT_PX * 1.3 * MM_PX / 1000 * page.scale if self.theme.kind == "heat" else 0.0
            minx, miny, maxx, maxy = page.box
            query = replace(self.query, bbox=(minx - more, miny - more, maxx + more, maxy + more), bbox_srid=self.srid)
            total, made = cells(store, query, _cell_m(page, self.srid) * CELL_PX[self.theme.kind], by, MOST_CELLS)
            if sum(cell.count for cell in made) != total:
                raise InvalidParameter("themes", f"the thematic map of '{self.layer.id}' has more than {MOST_CELLS} cells on this sheet; choose a larger scale.",
                                       f"图层“{self.layer.id}”的专题图在图幅内超过 {MOST_CELLS} 个单元，请放大比例尺")
            self.found.append((page, total, made))
            if self._count > room:
                raise InvalidParameter("themes", f"the thematic maps have too many cells on all pages together (the one of '{self.layer.id}' more than {room} of them); "
                                       "print fewer pages at once, or choose a larger scale.",
                                       f"专题图各页合计单元过多（图层“{self.layer.id}”超过 {room} 个），请减少一次打印的页数或放大比例尺")
        return self._count

    def heat(self, page: SheetPage) -> Photo:
        """Return the heat of a page, with its opacity."""
        width, height = (size / MM_PX for size in (page.paper.width, page.paper.height))
        share = min(1.0, math.sqrt(MOST_PIXELS / (width * height)))
        xs, ys, counts = self._places(page)
        to_px = share / MM_PX
        drawn = heat((xs - page.paper.left) * to_px, (ys - page.paper.top) * to_px, counts / self.most, round(width * share), round(height * share), HEAT_PX * share)
        out = io.BytesIO()
        Image.fromarray(np.ascontiguousarray(drawn[..., :3])).save(out, "JPEG", quality=95, subsampling=0)
        return Photo(out.getvalue(), drawn.shape[1], drawn.shape[0], (drawn[..., 3] * HEAT_OPACITY).astype(np.uint8).tobytes())

    def draw(self, pdf: FPDF, page: SheetPage) -> None:
        """Draw the circles or the pies of a page, the fullest lowest."""
        xs, ys, _ = self._places(page)
        for x, y, cell in zip(xs.tolist(), ys.tolist(), self._cells(page), strict=True):
            radius = self._radius(cell.count) * MM_PX
            if self.theme.kind == "cluster":
                _disc(pdf, x, y, radius, self._colors[0], CLUSTER_OPACITY, 2 * MM_PX)
            else:
                self._pie(pdf, x, y, radius, cell)
            pdf.set_font("map", size=TEXT_PX * 0.75)
            pdf.set_text_color(*rgb("#ffffff" if self.theme.kind == "cluster" else INK))
            text = str(cell.count)
            pdf.text(x - pdf.get_string_width(text) / 2, y + TEXT_PX * MM_PX * 0.35, text)

    def _pie(self, pdf: FPDF, x: float, y: float, radius: float, cell: Cell) -> None:
        turn = -math.pi / 2
        for value, count in _ordered(cell.classes):
            end = turn + count / cell.count * 2 * math.pi
            pieces = max(1, math.ceil((end - turn) / _PIECE))
            angles = [turn + (end - turn) * n / pieces for n in range(pieces + 1)]
            pdf.set_fill_color(*rgb(self._color_of(value)))
            pdf.polygon([(x, y), *((x + radius * math.cos(a), y + radius * math.sin(a)) for a in angles)], style="F")
            turn = end
        pdf.set_draw_color(255, 255, 255)
        pdf.set_line_width(1.5 * MM_PX)
        pdf.circle(x, y, radius=radius, style="D")
        pdf.set_fill_color(255, 255, 255)
        pdf.circle(x, y, radius=radius / 2, style="F")

    def legend(self, language: str) -> list[Entry]:
        """Return what circles, slices and heat mean: numbers of this reader, on all pages together."""
        is_chinese = language == "zh"
        kind = {"heat": ("热力图", "heat map"), "cluster": ("聚合图", "clusters"), "charts": ("统计图", "charts")}[self.theme.kind][not is_chinese]
        heading = f"{getattr(self.layer.title, language)} · {kind}"
        if self.theme.kind == "heat":
            return [Entry(heading), *self._heat_legend(language)]
        counted = f"共 {self._total:,} 个" if is_chinese else f"{self._total:,} in all"
        if self.theme.kind == "cluster":
            steps = sorted({max(1, round(self.most * share)) for share in (1 / 16, 1 / 4, 1)})
            return [Entry(heading), Entry(counted), *(
                Entry(f"{step:,}" + ((" 个" if is_chinese else " features") if step == steps[-1] else ""), self._colors[0], None, "point",
                      size_px=self._radius(step)) for step in (steps if self._total else ()))]
        sums: dict[str | None, int] = {}
        for _, _, made in self.found:
            for cell in made:
                for value, count in cell.classes.items():
                    sums[value] = sums.get(value, 0) + count
        by = self.layer.field(self.theme.by or "")
        return [Entry(f"{heading} · {getattr(by.title, language)}"), Entry(counted), *(
            Entry(f"{self._name_of(value, language)} · {sums[value]:,}", self._color_of(value), None, "area")
            for value in sorted(sums, key=lambda each: (each is None, -sums[each])))]

    def _heat_legend(self, language: str) -> list[Entry]:
        page = self.found[0][0]
        # In a field of cells that hold as many each, density is proportional to their number.
        per_cell = self.most / evenly(1.0, CELL_PX["heat"], HEAT_PX)
        ground_km2 = (CELL_PX["heat"] * MM_PX / 1000 * page.scale / 1000) ** 2
        words = "约 {:,} 个/km²" if language == "zh" else "about {:,} per km²"
        told = [Entry(words.format(_rounded(at * per_cell / ground_km2)), "#{:02x}{:02x}{:02x}".format(*color[:3]), None, "area") for at, color in STOPS[1:]]
        return [*told, Entry("无色：没有要素" if language == "zh" else "No colour: no features")]

    @property
    def _count(self) -> int:
        return sum(len(made) for _, _, made in self.found)

    @property
    def _total(self) -> int:
        return sum(total for _, total, _ in self.found)

    @property
    def _colors(self) -> Sequence[str]:
        return self.theme.colors or (CLUSTER_COLOR,)

    def _color_of(self, value: str | None) -> str:
        return next((each.color for each in self.theme.slices if each.value == value), self.theme.no_data)

    def _name_of(self, value: str | None, language: str) -> str:
        words = {None: ("无数据", "No data"), "true": ("是", "Yes"), "false": ("否", "No")}
        code = (self.layer.field(self.theme.by or "").codes or {}).get(value or "")
        return str(getattr(code, language)) if code is not None else words[value][language == "en"] if value in words else str(value)

    def _radius(self, count: int) -> float:
        return SMALLEST_PX + MORE_PX * math.sqrt(count / self.most)

    def _cells(self, page: SheetPage) -> list[Cell]:
        return next(made for each, _, made in self.found if each is page)

    def _places(self, page: SheetPage) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return where the middles of the cells are on the paper (mm), and how many features each holds."""
        made = self._cells(page)
        x, y = transformer(4326, self.srid).transform(np.array([cell.lon for cell in made]), np.array([cell.lat for cell in made]))
        p, mm = page.paper, 1000 / page.scale
        return (p.left + p.width / 2 + (np.asarray(x) - page.center[0]) * mm, p.top + p.height / 2 - (np.asarray(y) - page.center[1]) * mm,
                np.array([cell.count for cell in made], dtype=float))


def _cell_m(page: SheetPage, srid: int) -> float:
    """Return a pixel of the screen in metres of Web Mercator, on the whole level that is nearest to the sheet's scale, as the client counts."""
    pixel = view_of(page.center, srid, page.scale, page.paper.width, page.paper.height).pixel
    zoom: float = round(math.log2(WORLD_M / TILE_PX / pixel))
    return WORLD_M / (TILE_PX * 2.0 ** zoom)


def _ordered(classes: dict[str | None, int]) -> list[tuple[str | None, int]]:
    return sorted(classes.items(), key=lambda item: -item[1])


def _disc(pdf: FPDF, x: float, y: float, radius: float, color: str, opacity: float, rim: float) -> None:
    """Draw a disc with a white rim outside of it, as MapLibre's circles have theirs."""
    pdf.set_fill_color(*rgb(color))
    with pdf.local_context(fill_opacity=opacity):
        pdf.circle(x, y, radius=radius, style="F")
    pdf.set_draw_color(255, 255, 255)
    pdf.set_line_width(rim)
    pdf.circle(x, y, radius=radius + rim / 2, style="D")


def _rounded(value: float) -> float | int:
    """Return a number with two digits that count."""
    if value <= 0:
        return 0
    power = math.floor(math.log10(value)) - 1
    found = round(value / 10 ** power) * 10.0 ** power
    return round(found) if power >= 0 else round(found, -power)
