"""Binary glTF: what was packed comes out again, by a decoder written from the extension's text, value by value."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np
import pytest

from tests.tiles.glb import attribute, column, read_glb, unpack_attributes, unpack_indices
from tiles.gltf import NO_FEATURE, FeatureIds, write_glb
from tiles.gltf_compression import pack_attributes, pack_indices
from tiles.gltf_properties import Column, PropertyTable

HOME = {"translation": [0.0, 0.0, 0.0], "rotation": [0.0, 0.0, 0.0, 1.0]}


@pytest.mark.parametrize(("count", "stride"), [(1, 4), (15, 8), (16, 4), (17, 12), (255, 32), (256, 4), (257, 32), (3000, 64), (700, 256), (20_000, 8)])
def test_attributes_come_out_as_they_went_in(count, stride):
    random = np.random.default_rng(count * stride)
    rows = np.cumsum(random.integers(-3, 4, (count, stride)), axis=0).astype(np.uint8)
    rows[:, ::3] = random.integers(0, 256, rows[:, ::3].shape)        # noise, which needs whole bytes
    rows[:, 1::4] = 7                                                   # and what never changes
    assert (unpack_attributes(pack_attributes(rows), count, stride) == rows).all()


def test_still_bytes_cost_nothing():
    packed = pack_attributes(np.full((4096, 4), 9, np.uint8))
    assert len(packed) < 4096 / 16 + 40


@pytest.mark.parametrize("rows", [np.zeros((3, 3), np.uint8), np.zeros((0, 4), np.uint8), np.zeros((3, 260), np.uint8)])
def test_rows_that_the_format_cannot_hold_are_refused(rows):
    with pytest.raises(ValueError, match="rows of 4"):
        pack_attributes(rows)


def test_indices_come_out_as_they_went_in():
    random = np.random.default_rng(3)
    for indices in (np.arange(3000), random.integers(0, 2**32, 3000, dtype=np.uint64), np.array([5, 0, 4_000_000_000])):
        assert (unpack_indices(pack_indices(indices.astype(np.uint32)), len(indices)) == indices).all()


def test_the_streams_are_those_of_the_extension():
    # by hand: two corners of one row each, the second one more; groups of 16, of which the first takes 2 bits a change
    packed = pack_attributes(np.array([[1, 0, 0, 0], [2, 0, 0, 0]], np.uint8))
    assert packed == bytes([0xA0, 0b01, 0b00_10_00_00, 0, 0, 0, 0, 0, 0]) + bytes(28) + bytes([1, 0, 0, 0])
    assert pack_indices(np.array([0, 1, 2, 0], np.uint32)) == bytes([0xD1, 0, 4, 4, 6, 0, 0, 0, 0])


def table(count: int, **columns: Column) -> PropertyTable:
    return PropertyTable("thing", count, tuple(columns.values()))


def mesh(features: list[FeatureIds], corners: int = 6) -> bytes:
    random = np.random.default_rng(1)
    xyz = random.uniform(-400, 400, (corners, 3))
    return write_glb(xyz, np.tile([0.0, 1, 0], (corners, 1)), np.full((corners, 4), 255, np.uint8),
                     np.arange(corners, dtype=np.uint32).reshape(-1, 3), features, HOME)


def test_places_are_kept_to_a_step():
    random = np.random.default_rng(2)
    xyz = random.uniform(-500, 700, (300, 3))
    normal = random.normal(size=(300, 3))
    normal /= np.linalg.norm(normal, axis=1)[:, None]
    document, binary = read_glb(write_glb(xyz, normal, np.full((300, 4), 128, np.uint8), np.arange(300, dtype=np.uint32).reshape(-1, 3), [], HOME))
    node = document["nodes"][1]
    places = attribute(document, binary, "POSITION") * node["scale"][0] + node["translation"]
    assert np.abs(places - xyz).max() <= node["scale"][0] / 2 + 1e-9 and node["scale"][0] < 1200 / 65535 + 1e-6
    assert np.abs(attribute(document, binary, "NORMAL") / 127 - normal).max() < 1 / 127
    # half of sRGB's range is a fifth of the light
    assert attribute(document, binary, "COLOR_0")[0].tolist() == [55, 55, 55, 128]


def test_every_kind_of_property_comes_back():
    big = 2**53 - 1
    columns = {c.name: c for c in (
        Column("fid", "number", [1, big, 3]), Column("name", "string", ["东楼", None, "C"], "名称"), Column("rooms", "integer", [4, None, -7]),
        Column("units", "numbers", [[big, 2], [], [5]]), Column("labels", "strings", [["甲", ""], [], ["乙单元"]]),
        Column("empty", "string", [None, "", None]), Column("lacking", "number", [None, None, None]), Column("none", "numbers", [[], [], []]))}
    document, binary = read_glb(mesh([FeatureIds("thing", np.array([0, 0, 1, 1, 2, 2], np.uint32), table(3, **columns))]))
    assert column(document, binary, "fid") == [1, big, 3]
    assert column(document, binary, "name") == ["东楼", None, "C"]
    assert column(document, binary, "rooms") == [4, None, -7]
    assert column(document, binary, "units") == [[big, 2], [], [5]]
    assert column(document, binary, "labels") == [["甲", ""], [], ["乙单元"]]
    schema = document["extensions"]["EXT_structural_metadata"]["schema"]["classes"]["thing"]["properties"]
    assert schema["name"]["name"] == "名称" and not {"empty", "lacking", "none"} & schema.keys()
    views = document["bufferViews"]
    assert all(view["byteOffset"] % 8 == 0 for view in views) and len(binary) % 8 == 0


@pytest.mark.parametrize("count", [3, 70_000])
def test_feature_ids_stay_with_their_corners(count):
    rows = np.array([0, 2, count - 1, NO_FEATURE, 1, count - 1], np.uint32)
    document, binary = read_glb(mesh([FeatureIds("thing", rows, table(count, fid=Column("fid", "number", list(range(count)))))]))
    (described,) = document["meshes"][0]["primitives"][0]["extensions"]["EXT_mesh_features"]["featureIds"]
    assert described["featureCount"] == count and described["nullFeatureId"] == count
    ids = attribute(document, binary, "_FEATURE_ID_0").ravel()
    assert ids.tolist() == [0, 2, count - 1, count, 1, count - 1]


def test_corners_nobody_uses_are_left_out():
    xyz = np.arange(30.0).reshape(10, 3)
    glb = write_glb(xyz, np.tile([0.0, 0, 1], (10, 1)), np.full((10, 4), 255, np.uint8), np.array([[9, 4, 2]], np.uint32), [], HOME)
    document, binary = read_glb(glb)
    assert document["accessors"][0]["count"] == 3
    places = attribute(document, binary, "POSITION") * document["nodes"][1]["scale"][0] + document["nodes"][1]["translation"]
    assert places[:, 0] == pytest.approx([27, 12, 6], abs=1e-3)


def test_the_container_is_whole():
    glb = mesh([])
    magic, version, length = struct.unpack_from("<4sII", glb)
    assert (magic, version, length) == (b"glTF", 2, len(glb))
    document: dict[str, Any] = json.loads(glb[20:20 + struct.unpack_from("<I", glb, 12)[0]])
    assert document["extensionsRequired"] == ["EXT_meshopt_compression", "KHR_mesh_quantization"]
