"""The layers of the first day say what the trade expects of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from layers.layer import Layer, parse_layer, read_layers

FOLDER = Path(__file__).resolve().parents[2] / "config" / "layers"
LAYERS = read_layers(FOLDER)
STORED = [layer for layer in LAYERS.values() if layer.is_stored]
HAN = re.compile(r"[\u4e00-\u9fff]")
# CJJ 61-2017 appendix: letter and colour of each kind of pipeline.
CJJ_61 = {"JS": (0, 255, 255), "PS": (76, 57, 38), "RQ": (255, 0, 255), "RL": (255, 128, 0), "DL": (255, 0, 0), "TX": (0, 255, 0), "GY": (0, 0, 0),
          "QT": (102, 0, 204)}


def test_the_layers_of_the_first_day_are_there() -> None:
    wanted = {"district", "street", "community", "parcel", "land_use", "red_line", "control_zone", "building", "building_parcel", "entrance", "level",
              "unit_room", "building_surface", "project", "milestone", "document", "progress", "pipe_node", "pipe_segment", "customer", "road", "address",
              "facility", "imagery", "dem", "water_area", "green_space", "annotation"}
    assert set(LAYERS) == wanted
    assert {layer.id for layer in LAYERS.values() if layer.kind == "table"} == {
        "entrance", "level", "unit_room", "building_surface", "milestone", "document", "progress"}
    assert {layer.id for layer in LAYERS.values() if layer.kind == "relation"} == {"building_parcel"}
    assert {layer.id for layer in LAYERS.values() if layer.kind == "coverage"} == {"imagery", "dem"}


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
def test_everything_is_said_in_both_languages(layer: Layer) -> None:
    texts = [layer.title, *([layer.description] if layer.description else [])]
    for f in layer.fields:
        texts += [f.title, *([f.description] if f.description else []), *(f.codes or {}).values()]
    for text in texts:
        assert text.en.strip() and not HAN.search(text.en)
        assert text.zh.strip()
    assert HAN.search(layer.title.zh)
    # A Chinese text that lost its end to a comma of YAML would be an error; one with a western comma is bad typesetting.
    assert not any("," in text.zh for text in texts if HAN.search(text.zh))


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
def test_a_definition_survives_the_catalogue(layer: Layer) -> None:
    assert parse_layer(layer.dump()) == layer


# What is plotted belongs to no district, and comes from no register that it could be found in again.
@pytest.mark.parametrize("layer", [x for x in STORED if x.group != "annotations"], ids=lambda x: x.id)
def test_rows_follow_districts_and_imports_find_their_key(layer: Layer) -> None:
    assert layer.district == "district_code"
    assert layer.field("district_code").index
    if layer.kind == "spatial":
        assert layer.key and layer.label
        assert layer.symbology is not None
    for f in layer.fields:
        if f.part_of:
            assert f.required and f.on_retire == "cascade"


@pytest.mark.parametrize("layer", [x for x in STORED if x.symbology and x.symbology.field], ids=lambda x: x.id)
def test_every_code_has_its_own_colour_and_reaches_the_tiles(layer: Layer) -> None:
    drawn = layer.symbology
    assert drawn is not None and drawn.field is not None
    assert layer.field(drawn.field).tile
    codes = layer.field(drawn.field).codes
    if codes is not None:
        assert {c.value for c in drawn.classes} == set(codes)
    else:
        bounds = [c.below for c in drawn.classes]
        assert bounds[-1] is None and bounds[:-1] == sorted(b for b in bounds[:-1] if b is not None)
    for name in (drawn.extrude, drawn.label.field if drawn.label else None):
        assert name is None or layer.field(name).tile


def test_layers_are_drawn_from_the_ground_up() -> None:
    order = {name: layer.symbology.order for name, layer in LAYERS.items() if layer.symbology}
    ground = ["imagery", "dem", "land_use", "green_space", "water_area", "parcel", "road", "building", "project", "pipe_segment", "pipe_node", "facility", "district"]
    assert [order[n] for n in ground] == sorted(order[n] for n in ground)
    assert len(set(order.values())) == len(order)


def test_pipelines_have_the_colours_of_cjj_61() -> None:
    for name in ("pipe_node", "pipe_segment", "customer"):
        drawn = LAYERS[name].symbology
        assert drawn is not None
        painted = {c.value: tuple(int(c.color[i:i + 2], 16) for i in (1, 3, 5)) for c in drawn.classes}
        assert painted == CJJ_61
        assert drawn.min_zoom >= 15


def test_pipe_sub_kinds_follow_their_kind() -> None:
    """The first digit of a sub-kind is the number of its kind: water 1, sewers 2, gas 3 and so on."""
    kinds, sub_kinds = (LAYERS["pipe_segment"].field(n).codes for n in ("kind", "sub_kind"))
    assert list(kinds or ()) == list(CJJ_61)
    assert {c[0] for c in sub_kinds or ()} == {str(n + 1) for n in range(len(CJJ_61))}
    assert (sub_kinds or {})["202"].zh == "污水" and (sub_kinds or {})["303"].zh == "天然气" and (sub_kinds or {})["104"].zh == "配水"
    assert LAYERS["pipe_node"].field("sub_kind").codes == sub_kinds


def test_milestones_are_the_sixteen_steps_in_order() -> None:
    steps = LAYERS["milestone"].field("step").codes or {}
    assert [int(code[1:3]) for code in steps] == list(range(1, 17))
    assert steps["s01_initiation"].zh == "立项" and steps["s11_construction_permit"].zh == "施工许可" and steps["s16_registration"].zh == "首次登记"


def test_personal_fields_are_those_of_people() -> None:
    personal = {f"{layer.id}.{f.name}" for layer in LAYERS.values() for f in layer.fields if f.personal}
    assert personal == {"building.owner_name", "parcel.owner_name", "unit_room.holder_name", "project.manager_name", "customer.name"}


def test_areas_of_different_rules_are_kept_apart() -> None:
    names = {f.name for f in LAYERS["building"].fields if f.unit == "m2"}
    assert names == {"footprint_area_m2", "built_area_m2", "planning_area_m2", "construction_area_m2"}


def test_official_codes_fit_their_patterns() -> None:
    samples = {("parcel", "parcel_code"): ("119901003003GB00001", "119901003003XB00001"),
               ("unit_room", "unit_code"): ("119901003003GB00001F00010001", "119901003003GB00001X00010001"),
               ("project", "project_code"): ("2019-110105-47-01-000001", "2019-11010-47-01-000001"),
               ("project", "developer_code"): ("91350100M000100Y43", "91350100M000100I43"),
               ("street", "street_code"): ("119901001", "11990100"), ("pipe_node", "feature_code"): ("51042204", "41042204")}
    for (layer, name), (right, wrong) in samples.items():
        pattern = LAYERS[layer].field(name).pattern
        assert pattern is not None
        assert re.fullmatch(pattern, right), name
        assert not re.fullmatch(pattern, wrong), name


def test_topology_rules() -> None:
    rules = {layer.id: [(r.kind, r.via) for r in layer.rules] for layer in LAYERS.values() if layer.rules}
    assert rules["parcel"] == [("no_overlap", None)]
    assert rules["project"] == [("within", "red_line_fid")]
    assert LAYERS["project"].field("red_line_fid").references == "red_line"
