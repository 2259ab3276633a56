"""The page of a report, by folium: one file with everything inside, which asks no host for anything.

Texts reach the page by three doors only: a template that escapes what it is given, JSON whose brackets are escaped, and text nodes that the page
makes itself. What folium's elements write, branca compiles as a template once more: a brace that stands in a text would be run on the server. So
texts of the city go through elements of our own, and no text that reaches one of folium's has a brace or an angle bracket in it.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import folium
import orjson
from branca.element import Element, Figure, MacroElement
from folium.map import Layer
from folium.template import Template
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from gisserver.reports.content import Facts, LayerContent, Look, TableContent
from layers.errors import Unavailable

__all__ = ["ASSETS", "report_page"]

# Made by the build of the client (web/vite.report.ts).
ASSETS = Path(__file__).resolve().parents[2] / "web" / "dist" / "report"
HERE = Path(__file__).parent
# A character that no text has: it is for private use, and replaced where one has it all the same.
BRACE = "\ue000"
# Nothing is fetched, also where a text should have found a way to ask for something.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
WORDS = {
    "zh": {"legend": "图例", "tables": "统计", "none": "没有要素", "features": "{count} 个要素", "hint": "点击要素查看字段；右上角可开关图层。", "noscript": "请启用脚本以显示地图。"},
    "en": {"legend": "Legend", "tables": "Numbers", "none": "no features", "features": "{count} features", "hint": "Click a feature for its fields; layers are switched at the upper right.",
           "noscript": "Allow scripts to see the map."}}


class _Verbatim(Element):
    """A text that goes onto the page as it is: branca would take it for a template."""

    _template = Template("{{ this.text }}")

    def __init__(self, text: str) -> None:
        super().__init__()
        self._name, self.text = "Verbatim", text


class _Shapes(Layer):
    """The features of a layer. folium's own element writes texts as they are, braces too."""

    _template = Template("""
        {% macro script(this, kwargs) %}
        var {{ this.get_name() }} = L.geoJson({{ this.data }}, {{ this.how }});
        {% endmacro %}
    """)

    def __init__(self, layer: LayerContent) -> None:
        # The list of layers takes names for HTML.
        super().__init__(name=html.escape(layer.title).replace("{", "&#123;"), overlay=True, control=True, show=True)
        self._name = "Shapes"
        looks = _json([_leaflet(look, layer.kind) for look in layer.looks])
        self.data = _json({"type": "FeatureCollection", "features": layer.features})
        self.how = (f"{{smoothFactor: 0.5, style: styles({looks}), pointToLayer: points({looks}), "
                    f"onEachFeature: cards({_json(layer.title)}, {_json(layer.fields)})}}")


class _Scale(MacroElement):
    """A scale bar in metres."""

    _template = Template("""
        {% macro script(this, kwargs) %}
        L.control.scale({imperial: false}).addTo({{ this._parent.get_name() }});
        {% endmacro %}
    """)


class _Map(folium.Map):
    """A map whose scripts and styles are inside of the page."""

    default_js: list[tuple[str, str]] = []
    default_css: list[tuple[str, str]] = []


def report_page(facts: Facts, layers: Sequence[LayerContent], tables: Sequence[TableContent], bounds: tuple[float, float, float, float],
                picture: tuple[str, tuple[float, float, float, float]] | None = None) -> bytes:
    """Return the page.

    Parameters
    ----------
    bounds
        What is shown at first: minx, miny, maxx, maxy in degrees.
    picture
        A data URI drawn in Web Mercator, and the box that it fills (degrees).

    Raises Unavailable where the client, which brings the map library, is not built.
    """
    words = WORDS[facts.language]
    script, style = _assets()
    shown = _Map(tiles=None, prefer_canvas=True, attribution_control=False)
    figure = shown.get_root()
    assert isinstance(figure, Figure)
    figure.title = html.escape(facts.title)
    for text in (f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">', '<meta name="referrer" content="no-referrer">',
                 f"<style>{style}</style>", f"<style>{(HERE / 'report.css').read_text('utf-8')}</style>",
                 f"<script>{script}</script>", f"<script>{(HERE / 'report.js').read_text('utf-8')}</script>"):
        figure.header.add_child(_Verbatim(text))
    figure.html.add_child(_Verbatim(_environment().get_template("report.html").render(
        facts=facts, w=words, layers=layers, tables=tables, widest=_widest)))
    if picture is not None:
        uri, (minx, miny, maxx, maxy) = picture
        folium.raster_layers.ImageOverlay(uri, [[miny, minx], [maxy, maxx]], pixelated=False, control=False, interactive=False).add_to(shown)
    for layer in layers:
        _Shapes(layer).add_to(shown)
    folium.LayerControl(collapsed=False).add_to(shown)
    _Scale().add_to(shown)
    minx, miny, maxx, maxy = bounds
    folium.FitBounds([[miny, minx], [maxy, maxx]]).add_to(shown)
    page: str = figure.render()
    return page.replace("<html>", f'<html lang="{"zh-CN" if facts.language == "zh" else "en"}">', 1).encode()


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


def _assets() -> tuple[str, str]:
    try:
        script, style = ((ASSETS / name).read_text("utf-8") for name in ("leaflet.js", "leaflet.css"))
    except FileNotFoundError:
        raise Unavailable("Reports need the built client: run ./run, or npm run build in web/.", "报告需要已构建的客户端：请运行 ./run，或在 web/ 中执行 npm run build。") from None
    return script.replace("</script", "<\\/script"), style


def _json(value: Any) -> str:
    """Write a value as JSON that ends no script element and begins no expression of a template."""
    text = orjson.dumps(_marked(value)).decode()
    for sign, code in ((BRACE, "\\u007b"), ("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026"), ("\u2028", "\\u2028"), ("\u2029", "\\u2029")):
        text = text.replace(sign, code)
    return text


def _marked(value: Any) -> Any:
    """Put a mark in place of every brace that stands in a text; those of JSON itself are none of a template's."""
    if isinstance(value, str):
        return value.replace(BRACE, "\ufffd").replace("{", BRACE) if "{" in value or BRACE in value else value
    if isinstance(value, dict):
        return {name: _marked(inner) for name, inner in value.items()}
    return [_marked(inner) for inner in value] if isinstance(value, list | tuple) else value


def _leaflet(look: Look, kind: str) -> dict[str, Any]:
    """Return a look as Leaflet has it."""
    if kind == "line":
        return {"color": look.color, "weight": look.width, "opacity": look.opacity, "dashArray": look.dash}
    edge: dict[str, Any] = {"color": look.outline, "weight": max(0.5, min(look.width, 3)), "dashArray": look.dash} if look.outline else {"stroke": False}
    return {**edge, "fillColor": look.color, "fillOpacity": look.opacity, **({"radius": look.radius} if kind == "circle" else {})}


def _widest(table: TableContent) -> float:
    return max((count for count, _ in table.bars), default=0) or 1
