"""SLD of every layer and style: elements in the order that the schemas of SLD 1.1 and Symbology Encoding demand, and filters that mean what the style does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest

from config.settings import ROOT
from layers.access import OWNER
from layers.layer import Class, Layer, Text, Variant, parse_layer, read_layers
from tiles.sld import sld
from tiles.themes import themed, themes, varied

LAYERS = {layer.id: layer for layer in read_layers(ROOT / "config" / "layers").values() if layer.kind == "spatial"}
NS = {"sld": "http://www.opengis.net/sld", "se": "http://www.opengis.net/se", "ogc": "http://www.opengis.net/ogc"}
STROKE, FILL = "Stroke", "Fill"
# After StyledLayerDescriptor.xsd, FeatureStyle.xsd, Symbolizer.xsd and filter.xsd: what may follow what; with * any number of times, with ! it must be there.
SEQUENCES = {
    "StyledLayerDescriptor": "Name Description UseSLDLibrary* NamedLayer*", "NamedLayer": "Name! Description LayerFeatureConstraints NamedStyle* UserStyle*",
    "UserStyle": "Name Description IsDefault FeatureTypeStyle*!", "FeatureTypeStyle": "Name Description FeatureTypeName SemanticTypeIdentifier Rule*!",
    "Rule": "Name Description LegendGraphic Filter ElseFilter MinScaleDenominator MaxScaleDenominator PolygonSymbolizer|LineSymbolizer|PointSymbolizer|TextSymbolizer*!",
    "Description": "Title Abstract", "PolygonSymbolizer": "Name Description BaseSymbolizer Geometry Fill Stroke Displacement PerpendicularOffset",
    "LineSymbolizer": "Name Description BaseSymbolizer Geometry Stroke PerpendicularOffset", "PointSymbolizer": "Name Description BaseSymbolizer Geometry Graphic",
    "TextSymbolizer": "Name Description BaseSymbolizer Geometry Label Font LabelPlacement Halo Fill", "Graphic": "Mark*! Opacity Size Rotation AnchorPoint Displacement",
    "Mark": "WellKnownName Fill Stroke", "Fill": "GraphicFill SvgParameter*", "Stroke": "GraphicFill GraphicStroke SvgParameter*", "Font": "SvgParameter*",
    "LabelPlacement": "PointPlacement|LinePlacement!", "PointPlacement": "AnchorPoint Displacement Rotation", "LinePlacement": "PerpendicularOffset",
    "AnchorPoint": "AnchorPointX! AnchorPointY!", "Halo": "Radius Fill", "Label": "PropertyName!",
    "Filter": "PropertyIsEqualTo|PropertyIsLessThan|PropertyIsGreaterThanOrEqualTo|PropertyIsNull|And|Or!", "PropertyIsNull": "PropertyName!",
    "And": "PropertyIsGreaterThanOrEqualTo! PropertyIsLessThan!", "Or": "PropertyIsNull|PropertyIsEqualTo*!", "Div": "PropertyName! PropertyName!",
    **dict.fromkeys(("PropertyIsEqualTo", "PropertyIsLessThan", "PropertyIsGreaterThanOrEqualTo"), "PropertyName|Div! Literal!")}
SPACES = {"sld": {"StyledLayerDescriptor", "NamedLayer", "UserStyle"}, "ogc": {"Filter", "PropertyIsNull", "PropertyName", "Literal", "And", "Or", "Div", "PropertyIsEqualTo",
                                                                               "PropertyIsLessThan", "PropertyIsGreaterThanOrEqualTo"}}


def named(element: Element) -> str:
    """The name of an element, which must be in the namespace that it belongs to."""
    space, _, name = element.tag[1:].partition("}")
    assert space == NS[next((prefix for prefix, names in SPACES.items() if name in names), "se")], element.tag
    return name


def in_order(element: Element) -> None:
    """Children stand as the sequence of their parent says, and so do theirs."""
    sequence, children = SEQUENCES.get(named(element), "").split(), [named(child) for child in element]
    at = 0
    for place in sequence:
        allowed, found = place.rstrip("*!").split("|"), 0
        while at < len(children) and children[at] in allowed and (found == 0 or "*" in place):
            at, found = at + 1, found + 1
        assert found or "!" not in place, (named(element), place, children)
    assert at == len(children), (named(element), children[at:], sequence)
    for child in element:
        in_order(child)


def styles_of(layer: Layer) -> list[Layer]:
    return [layer, *(made for name in themes(layer, OWNER) if (made := themed(layer, name, OWNER)) is not None)]


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_style_keeps_to_the_schemas(layer: Layer, language: str) -> None:
    for style in styles_of(layer):
        document = ElementTree.fromstring(sld(style, OWNER, language).encode())
        assert document.get("version") == "1.1.0"
        in_order(document)


class Meaning:
    """What a client makes of a document: filters by the rules of Filter Encoding, ElseFilter for what no filter takes."""

    def __init__(self, layer: Layer) -> None:
        self.rules = [rule for rule in ElementTree.fromstring(sld(layer, OWNER, "en").encode()).findall(".//se:Rule", NS) if rule.find("se:TextSymbolizer", NS) is None]

    def colors(self, feature: Mapping[str, Any]) -> list[str]:
        taken = [rule for rule in self.rules if (filter_ := rule.find("ogc:Filter", NS)) is not None and self._holds(filter_[0], feature)]
        plain = [rule for rule in self.rules if rule.find("ogc:Filter", NS) is None and rule.find("se:ElseFilter", NS) is None]
        rest = [rule for rule in self.rules if rule.find("se:ElseFilter", NS) is not None]
        fills = [rule.find(".//se:Fill/se:SvgParameter[@name='fill']", NS) for rule in plain + (taken or rest)]
        return [str(fill.text) for fill in fills if fill is not None]

    def _holds(self, test: Element, feature: Mapping[str, Any]) -> bool:
        match named(test):
            case "And":
                return all(self._holds(each, feature) for each in test)
            case "Or":
                return any(self._holds(each, feature) for each in test)
            case "PropertyIsNull":
                return feature[str(test[0].text)] is None
        a, b = self._value(test[0], feature), str(test[1].text)
        if a is None:
            return False
        if named(test) == "PropertyIsEqualTo":
            return float(a) == float(b) if isinstance(a, int | float) else a == b
        return a < float(b) if named(test) == "PropertyIsLessThan" else a >= float(b)

    def _value(self, element: Element, feature: Mapping[str, Any]) -> Any:
        if named(element) == "PropertyName":
            return feature[str(element.text)]
        above, below = (feature[str(each.text)] for each in element)
        return None if above is None or below is None else above / below if below else float("inf")


TITLE = {"zh": "层", "en": "Layer"}
PLAIN = parse_layer({"id": "blocks", "title": TITLE, "geometry": "Polygon", "symbology": {"color": "#101010", "min_zoom": 4}, "fields": [
    {"name": name, "type": "number", "title": TITLE, "tile": True} for name in ("people", "area")]})
CLASSES = (Class(below=10, color="#111111"), Class(below=20.5, color="#222222"), Class(color="#333333"))


@pytest.mark.parametrize(("per", "cases"), [
    (None, [({"people": -3}, "#111111"), ({"people": 10}, "#222222"), ({"people": 20.49}, "#222222"), ({"people": 20.5}, "#333333"), ({"people": 1e9}, "#333333"),
            ({"people": None}, "#b9bfc5")]),
    ("area", [({"people": 90, "area": 10}, "#111111"), ({"people": 100, "area": 10}, "#222222"), ({"people": 900, "area": 10}, "#333333"),
              ({"people": 5, "area": 0}, "#b9bfc5"), ({"people": 5, "area": None}, "#b9bfc5"), ({"people": None, "area": 3}, "#b9bfc5")])])
def test_a_published_style_by_a_number_means_what_its_classes_say(per: str | None, cases: list[tuple[dict[str, Any], str]]) -> None:
    style = varied(PLAIN, Variant(name="v7", title=Text(zh="密度", en="Density"), field="people", per=per, classes=CLASSES))
    in_order(ElementTree.fromstring(sld(style, OWNER).encode()))
    meaning = Meaning(style)
    for feature, color in cases:
        assert meaning.colors({"people": None, "area": None} | feature) == [color], feature


def test_a_style_by_codes_takes_each_code_once_and_the_rest_by_itself() -> None:
    building = LAYERS["building"]
    assert building.symbology is not None
    meaning, own = Meaning(building), {c.value: c.color for c in building.symbology.classes}
    for value in (*(building.field("use").codes or {}), None, "unknown"):
        assert meaning.colors({"use": value}) == [own.get(value, building.symbology.color)]
