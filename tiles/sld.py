"""A layer's style as SLD 1.1 with Symbology Encoding, for desktop clients and other map servers."""

from __future__ import annotations

from xml.sax.saxutils import escape

from layers.access import Audience
from layers.layer import Layer
from tiles.mapnik_style import Drawing, drawing
from tiles.symbology import HALO, legend

__all__ = ["MEDIA_TYPE", "sld"]

MEDIA_TYPE = "application/vnd.ogc.sld+xml;version=1.1"
# Scale at zoom 0, where the world is 512 pixels of 0.28 mm wide.
SCALE_0 = 40075016.685578488 / 512 / 0.00028
_HEAD = ('<?xml version="1.0" encoding="UTF-8"?>\n<StyledLayerDescriptor version="1.1.0" xmlns="http://www.opengis.net/sld" '
         'xmlns:se="http://www.opengis.net/se" xmlns:ogc="http://www.opengis.net/ogc" xmlns:xlink="http://www.w3.org/1999/xlink" '
         'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
         'xsi:schemaLocation="http://www.opengis.net/sld http://schemas.opengis.net/sld/1.1.0/StyledLayerDescriptor.xsd">')
_POINTS, _LINES = ("Point", "MultiPoint"), ("LineString", "MultiLineString")


def sld(layer: Layer, audience: Audience, language: str = "zh") -> str:
    """Return the document: a rule for each class and one for labels. Widths and sizes are those of zoom 16, in pixels."""
    d, told = drawing(layer, audience, 16, language), legend(layer, audience)
    s, rules = d.symbology, []
    numbers = list(range(len(s.classes))) if d.field else [-1]
    items = [item for item in told["items"] if "no_data" not in item]
    for number, item in zip(numbers, items, strict=True):
        late = s.classes[number].min_zoom if number >= 0 else None
        rules.append(_rule(item["title"][language], _filter(d, number), _symbols(d, number), max(s.min_zoom, late or 0)))
    if d.field and not any(c.value is None and c.below is None for c in s.classes):
        rules.append(_rule(getattr(layer.title, language), "<se:ElseFilter/>", _symbols(d, -1), s.min_zoom))
    for item in told["items"][len(items):]:
        rules.append(_rule(item["title"][language], _nothing(d), _symbols(d, -1), s.min_zoom))
    shown = drawing(layer, audience, 24, language)
    if shown.label and s.label:
        rules.append(_rule("label", "", _text(shown), max(s.label.min_zoom, s.min_zoom)))
    title = f"<se:Description><se:Title>{escape(getattr(layer.title, language))}</se:Title></se:Description>"
    return (f"{_HEAD}<NamedLayer><se:Name>{layer.id}</se:Name><UserStyle><se:Name>{layer.id}</se:Name>{title}"
            f"<se:FeatureTypeStyle>{''.join(rules)}</se:FeatureTypeStyle></UserStyle></NamedLayer></StyledLayerDescriptor>\n")


def _rule(title: str, condition: str, symbols: str, min_zoom: float) -> str:
    scale = f"<se:MaxScaleDenominator>{SCALE_0 / 2**min_zoom:.0f}</se:MaxScaleDenominator>" if min_zoom else ""
    return f"<se:Rule><se:Name>{escape(title)}</se:Name>{condition}{scale}{symbols}</se:Rule>"


def _filter(d: Drawing, number: int) -> str:
    if number < 0 or d.field is None:
        return ""
    c = d.symbology.classes[number]
    name = _property(d.field.name)
    if d.symbology.per:
        name = f"<ogc:Div>{name}{_property(d.symbology.per)}</ogc:Div>"
    if c.value is not None:
        value = str(c.value).lower() if isinstance(c.value, bool) else f"{c.value:g}" if isinstance(c.value, float) else str(c.value)
        return f"<ogc:Filter><ogc:PropertyIsEqualTo>{name}<ogc:Literal>{escape(value)}</ogc:Literal></ogc:PropertyIsEqualTo></ogc:Filter>"
    if c.below is None:
        return "<se:ElseFilter/>"
    below = f"<ogc:PropertyIsLessThan>{name}<ogc:Literal>{c.below:g}</ogc:Literal></ogc:PropertyIsLessThan>"
    lower = max((x.below for x in d.symbology.classes if x.below is not None and x.below < c.below), default=None)
    if lower is None:
        return f"<ogc:Filter>{below}</ogc:Filter>"
    least = f"<ogc:PropertyIsGreaterThanOrEqualTo>{name}<ogc:Literal>{lower:g}</ogc:Literal></ogc:PropertyIsGreaterThanOrEqualTo>"
    return f"<ogc:Filter><ogc:And>{least}{below}</ogc:And></ogc:Filter>"


def _nothing(d: Drawing) -> str:
    """Return the filter of what has no number: there is none, or it is divided by none or by nothing."""
    assert d.field is not None
    parts = [f"<ogc:PropertyIsNull>{_property(name)}</ogc:PropertyIsNull>" for name in (d.field.name, d.symbology.per) if name]
    if d.symbology.per:
        parts.append(f"<ogc:PropertyIsEqualTo>{_property(d.symbology.per)}<ogc:Literal>0</ogc:Literal></ogc:PropertyIsEqualTo>")
    return f"<ogc:Filter>{parts[0] if len(parts) == 1 else f'<ogc:Or>{"".join(parts)}</ogc:Or>'}</ogc:Filter>"


def _property(name: str) -> str:
    return f"<ogc:PropertyName>{name}</ogc:PropertyName>"


def _symbols(d: Drawing, number: int) -> str:
    s, color = d.symbology, d.color_of(number)
    if d.layer.geometry in _POINTS:
        ring = _stroke(s.outline, s.width_px, s.opacity) if s.outline else ""
        return (f"<se:PointSymbolizer><se:Graphic><se:Mark><se:WellKnownName>circle</se:WellKnownName>{_fill(color, s.opacity)}{ring}</se:Mark>"
                f"<se:Size>{d.radius_of(number) * 2:g}</se:Size></se:Graphic></se:PointSymbolizer>")
    if d.layer.geometry in _LINES:
        casing = f"<se:LineSymbolizer>{_stroke(s.outline, d.width_of(number, 1.5), s.opacity)}</se:LineSymbolizer>" if s.outline else ""
        return f"{casing}<se:LineSymbolizer>{_stroke(color, d.width_of(number), s.opacity, s.dash)}</se:LineSymbolizer>"
    edge = (color if d.field and s.opacity <= 0.05 else s.outline) if s.outline else None
    return (f"<se:PolygonSymbolizer>{_fill(color, s.opacity)}{_stroke(edge, s.width_px, 1, s.dash) if edge else ''}</se:PolygonSymbolizer>")


def _fill(color: str, opacity: float) -> str:
    return (f'<se:Fill><se:SvgParameter name="fill">{color}</se:SvgParameter><se:SvgParameter name="fill-opacity">{opacity:g}</se:SvgParameter></se:Fill>')


def _stroke(color: str | None, width: float, opacity: float, dash: tuple[float, ...] | None = None) -> str:
    lengths = " ".join(f"{part * width:g}" for part in dash or ())
    dashes = f'<se:SvgParameter name="stroke-dasharray">{lengths}</se:SvgParameter>' if lengths else ""
    return (f'<se:Stroke><se:SvgParameter name="stroke">{color}</se:SvgParameter><se:SvgParameter name="stroke-width">{width:g}</se:SvgParameter>'
            f'<se:SvgParameter name="stroke-opacity">{opacity:g}</se:SvgParameter>{dashes}</se:Stroke>')


def _text(d: Drawing) -> str:
    label, kind = d.symbology.label, d.layer.geometry
    if label is None or d.label is None:
        return ""
    place = ("<se:LabelPlacement><se:LinePlacement/></se:LabelPlacement>" if kind in _LINES else
             "<se:LabelPlacement><se:PointPlacement><se:AnchorPoint><se:AnchorPointX>0.5</se:AnchorPointX>"
             f"<se:AnchorPointY>{1 if kind in _POINTS else 0.5:g}</se:AnchorPointY></se:AnchorPoint></se:PointPlacement></se:LabelPlacement>")
    font = (f'<se:Font><se:SvgParameter name="font-family">{escape("Noto Sans CJK SC")}</se:SvgParameter>'
            f'<se:SvgParameter name="font-size">{label.size:g}</se:SvgParameter></se:Font>')
    halo = f'<se:Halo><se:Radius>1.2</se:Radius>{_fill(HALO, 1)}</se:Halo>'
    return (f"<se:TextSymbolizer><se:Label><ogc:PropertyName>{d.label.name}</ogc:PropertyName></se:Label>{font}{place}{halo}"
            f"{_fill(label.color, 1)}</se:TextSymbolizer>")
