"""The Mapnik style of layers, made from the one symbology of each: the same classes, colours and widths as the MapLibre style.

Zooms are those of MapLibre: at zoom z the world is 512 · 2^z pixels wide in Web Mercator. A style is made for one zoom; widths
are what MapLibre's expressions give there, and what is not drawn yet is absent. So one symbology holds for every CRS,
where Mapnik's own scale denominators would differ by the latitude.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from xml.sax.saxutils import quoteattr

from layers.access import Audience
from layers.layer import Layer, LayerField, Symbology
from tiles.map_cells import is_from_afar
from tiles.measured import counted_field, is_known
from tiles.symbology import BACKGROUND, HALO, cell_radius, cell_strength
from tiles.vector_tiles import tile_fields

__all__ = ["BACKGROUND", "Drawing", "drawing", "stylesheet"]

POLYGON, LINE, POINT = "polygon", "linestring", "point"
_KINDS = {"Point": POINT, "MultiPoint": POINT, "LineString": LINE, "MultiLineString": LINE, "Polygon": POLYGON, "MultiPolygon": POLYGON}
LABEL_SPACING_PX = 320


@dataclass(frozen=True)
class Drawing:
    """How one layer is drawn at one zoom: which fields its features need, and which class each belongs to.

    `field` and `label` are None where the audience may not read them or nothing depends on them at this zoom. `opacity` is that of the
    layer as a whole: where its features lie over each other they do not add up.
    """

    layer: Layer
    zoom: float
    field: LayerField | None
    label: LayerField | None
    language: str
    opacity: float = 1

    @property
    def symbology(self) -> Symbology:
        return self.layer.symbology or Symbology()

    @property
    def is_drawn(self) -> bool:
        """Is there anything of the layer on the map at this zoom?"""
        return self.zoom >= self.symbology.min_zoom or self.is_from_afar

    @property
    def is_from_afar(self) -> bool:
        """Is the layer counted in cells at this zoom?"""
        return is_from_afar(self.layer, self.zoom)

    @property
    def has_cell_classes(self) -> bool:
        """Are cells told apart by classes? The class of a cell is that of a field alone, neither of a quotient nor of what lies in features."""
        return self.field is not None and self.symbology.per is None and not self.layer.counts_others

    @cached_property
    def _steps(self) -> list[tuple[float, int]]:
        return sorted((c.below, n) for n, c in enumerate(self.symbology.classes) if c.below is not None)

    @cached_property
    def _values(self) -> dict[str, int]:
        return {_text(c.value): n for n, c in enumerate(self.symbology.classes) if c.value is not None}

    @cached_property
    def _other(self) -> int:
        """The class of what no other class takes; -1 is the symbology itself."""
        return next((n for n, c in enumerate(self.symbology.classes) if c.value is None and c.below is None), -1)

    def class_of(self, value: str | None) -> int:
        """Return the number of the class of a value (as PostgreSQL writes it in text); -1 where it has none of its own."""
        if self._values:
            return self._other if value is None else self._values.get(_text(value), self._other)
        if value is None or not self._steps:
            return -1
        place = bisect_right([below for below, _ in self._steps], float(value))
        return self._steps[place][1] if place < len(self._steps) else self._other

    def text_of(self, value: str) -> str:
        """Return what a label says: the title of a code, else the value."""
        title = (self.label.codes or {}).get(value) if self.label else None
        return getattr(title, self.language) if title else value

    def color_of(self, number: int) -> str:
        return self.symbology.color if number < 0 else self.symbology.classes[number].color

    def width_of(self, number: int, more: float = 0) -> float:
        """Return a width in pixels: that of the definition holds at zoom 16, seen from afar lines are finer."""
        width = self.symbology.width_px if number < 0 else self.symbology.classes[number].width_px or self.symbology.width_px
        return _stops(self.zoom, ((9, width * 0.4 + more * 0.5), (16, width + more), (20, width * 2.6 + more * 1.5)), 1.4)

    def is_class_drawn(self, number: int) -> bool:
        late = None if number < 0 else self.symbology.classes[number].min_zoom
        return late is None or self.zoom >= late

    def radius_of(self, number: int) -> float:
        """Return the radius of a point in pixels: that of the definition holds at zoom 17."""
        r = self.symbology.radius_px if number < 0 else self.symbology.classes[number].radius_px or self.symbology.radius_px
        return _stops(self.zoom, ((12, r * 0.6), (17, r), (20, r * 1.8)), 1)

    def strength_of(self, cover: int) -> float:
        """Return the opacity of a cell of which so many percent are covered."""
        return _stops(cover, cell_strength(self.symbology), 1)

    def cell_radius_of(self, count: int) -> float:
        """Return the radius in pixels of a cell that holds so many points."""
        return _stops(count, cell_radius(self.symbology), 1)


def drawing(layer: Layer, audience: Audience, zoom: float, language: str = "zh", opacity: float = 1) -> Drawing:
    """Return how a layer is drawn for an audience at a zoom; `opacity` (0 to 1) is over what its style says."""
    s, readable = layer.symbology or Symbology(), {f.name: f for f in tile_fields(layer, audience)}
    label = s.label if s.label and zoom >= s.label.min_zoom else None
    field = counted_field(layer, audience) or (readable.get(s.field or "") if is_known(s.per, readable) else None)
    return Drawing(layer, zoom, field if s.classes else None, readable.get(label.field) if label else None, language, opacity)


def stylesheet(drawings: Iterable[Drawing], face: str | None, background: str | None = None) -> str:
    """Return the XML of a Mapnik map: the drawings from the ground up, their letters above all.

    A feature has the attribute `c`, the number of its class, and `t`, the text of its label; a cell `c` and `s`, its opacity or its
    diameter in pixels. Layers of the map are named by the layers' ids, those of cells with `.cells` and those of the letters with
    `.label` behind. Without a `face` of the font there are no letters.
    """
    shown = [d for d in drawings if d.is_drawn]
    styles: list[str] = []
    layers: list[str] = []
    for d in shown:
        parts = _ground(d)
        styles += [_style(f"{d.layer.id}{suffix}", rules, d.opacity) for suffix, rules in parts]
        layers.append(_layer(d.layer.id, [f"{d.layer.id}{suffix}" for suffix, _ in parts]))
        if d.is_from_afar:
            styles.append(_style(f"{d.layer.id}.cells", _rules(d, lambda n, d=d: _cell(d, n), every=True), d.opacity))
            layers.append(_layer(f"{d.layer.id}.cells", [f"{d.layer.id}.cells"]))
    # Who is placed first stays: as in MapLibre, letters of the upper layers win.
    for d in reversed(shown):
        if face and d.label:
            styles.append(_style(f"{d.layer.id}.label", [f"<Rule>{_letters(d, face)}</Rule>"], d.opacity))
            layers.append(_layer(f"{d.layer.id}.label", [f"{d.layer.id}.label"]))
    color = f" background-color={quoteattr(background)}" if background else ""
    return f'<Map srs="epsg:3857"{color}>{"".join(styles)}{"".join(layers)}</Map>'


def _ground(d: Drawing) -> list[tuple[str, list[str]]]:
    kind, s = _KINDS.get(d.layer.geometry or ""), d.symbology
    if kind == POINT:
        return [("", _rules(d, lambda n: _marker(d, n)))]
    if kind == LINE:
        lines = ("", _rules(d, lambda n: _line(d.color_of(n), d.width_of(n), s.opacity, s.dash)))
        if not s.outline:
            return [lines]
        outline = s.outline
        return [(".casing", _rules(d, lambda n: _line(outline, d.width_of(n, 1.5), s.opacity))), lines]
    fills: list[tuple[str, list[str]]] = []
    if s.opacity > 0:
        fills.append(("", _rules(d, lambda n: f'<PolygonSymbolizer fill="{d.color_of(n)}" fill-opacity="{s.opacity:g}"/>', POLYGON)))
    if s.outline:
        # An area that is only outlined carries its classes in the outline.
        outline, is_classed = s.outline, d.field is not None and s.opacity <= 0.05
        fills.append((".outline", _rules(d, lambda n: _line(d.color_of(n) if is_classed else outline, d.width_of(-1), 1, s.dash), POLYGON)
                      if is_classed or kind is None else [f"<Rule>{_line(outline, d.width_of(-1), 1, s.dash)}</Rule>"]))
    if kind is None:
        fills += [(".line", _rules(d, lambda n: _line(d.color_of(n), d.width_of(n), s.opacity, s.dash), LINE)),
                  (".point", _rules(d, lambda n: _marker(d, n), POINT))]
    return fills


def _rules(d: Drawing, symbol: Callable[[int], str], geometry: str | None = None, every: bool = False) -> list[str]:
    """Return a rule for each class that is drawn, or for every one; the first that fits is taken."""
    mine = f"[mapnik::geometry_type] = {geometry}" if geometry and d.layer.geometry == "Geometry" else ""
    numbers = [*range(len(d.symbology.classes)), -1] if d.field else [-1]
    rules = []
    for n in numbers:
        if not (every or d.is_class_drawn(n)):
            continue
        wanted = " and ".join(part for part in (f"[c] = {n}" if len(numbers) > 1 else "", mine) if part)
        rules.append(f"<Rule>{f'<Filter>{wanted}</Filter>' if wanted else ''}{symbol(n)}</Rule>")
    return rules


def _style(name: str, rules: list[str], opacity: float = 1) -> str:
    faint = "" if opacity >= 1 else f' opacity="{opacity:g}"'
    return f'<Style name="{name}" filter-mode="first"{faint}>{"".join(rules)}</Style>'


def _layer(name: str, styles: list[str]) -> str:
    return f'<Layer name="{name}" srs="epsg:3857">{"".join(f"<StyleName>{style}</StyleName>" for style in styles)}</Layer>'


def _line(color: str, width: float, opacity: float, dash: tuple[float, ...] | None = None) -> str:
    dashes = ""
    if dash:
        lengths = [f"{part * width:.2f}" for part in (dash if len(dash) % 2 == 0 else dash * 2)]
        dashes = f' stroke-dasharray="{", ".join(lengths)}"'
    cap = "butt" if dash else "round"
    return (f'<LineSymbolizer stroke="{color}" stroke-width="{width:.3f}" stroke-opacity="{opacity:g}" stroke-linejoin="round" '
            f'stroke-linecap="{cap}"{dashes}/>')


def _marker(d: Drawing, number: int) -> str:
    s, size = d.symbology, d.radius_of(number) * 2
    ring = f' stroke="{s.outline}" stroke-width="{s.width_px:g}" stroke-opacity="{s.opacity:g}"' if s.outline else ' stroke-width="0"'
    # MapLibre's stroke lies outside of the circle, Mapnik's half inside.
    size += s.width_px if s.outline else 0
    return (f'<MarkersSymbolizer marker-type="ellipse" fill="{d.color_of(number)}" fill-opacity="{s.opacity:g}" width="{size:.2f}" '
            f'height="{size:.2f}"{ring} allow-overlap="true" ignore-placement="true"/>')


def _cell(d: Drawing, number: int) -> str:
    color = d.color_of(number)
    if _KINDS.get(d.layer.geometry or "") == POINT:
        return (f'<MarkersSymbolizer marker-type="ellipse" fill="{color}" fill-opacity="{d.symbology.opacity:g}" width="[s]" height="[s]" '
                'stroke-width="0" allow-overlap="true" ignore-placement="true"/>')
    # Squares that touch: smoothed edges would show as a net.
    return f'<PolygonSymbolizer fill="{color}" fill-opacity="[s]" gamma="0.5" gamma-method="threshold"/>'


def _letters(d: Drawing, face: str) -> str:
    assert d.symbology.label is not None
    label, kind = d.symbology.label, _KINDS.get(d.layer.geometry or "")
    how = {LINE: f'placement="line" spacing="{LABEL_SPACING_PX}" max-char-angle-delta="30"',
           POINT: f'placement="point" vertical-alignment="bottom" dy="{d.radius_of(-1) + 2:.1f}"'}.get(kind or "", 'placement="interior"')
    wrap = "" if kind == LINE else f' wrap-width="{label.size * 8:g}"'
    # Not clipped: a label stands at the same place in every tile that shows a part of it.
    return (f'<TextSymbolizer face-name={quoteattr(face)} size="{label.size:g}" fill="{label.color}" halo-fill="{HALO}" halo-radius="1.2" halo-rasterizer="fast" '
            f'{how}{wrap} margin="4" clip="false">[t]</TextSymbolizer>')


def _stops(zoom: float, stops: Sequence[tuple[float, float]], base: float) -> float:
    """Interpolate as MapLibre does between stops (zoom, or another number, and value), exponentially where base is not 1."""
    if zoom <= stops[0][0]:
        return stops[0][1]
    for (z0, v0), (z1, v1) in zip(stops, stops[1:], strict=False):
        if zoom <= z1:
            part = (zoom - z0) / (z1 - z0) if base == 1 else (base ** (zoom - z0) - 1) / (base ** (z1 - z0) - 1)
            return v0 + part * (v1 - v0)
    return stops[-1][1]


def _text(value: str | float | bool | None) -> str:
    """Write a value of a class, or of the database, so that equal ones are equal texts."""
    if isinstance(value, bool) or value in ("true", "false"):
        return str(value).lower()
    try:
        number = float(value or "")
    except (TypeError, ValueError):
        return str(value)
    # Codes such as '0101' are texts: only what a number would be written as is one.
    plain = f"{number:.12g}"
    return plain if math.isfinite(number) and (not isinstance(value, str) or "." in value or plain == value) else str(value)
