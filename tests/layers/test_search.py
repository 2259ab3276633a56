"""The search finds what a reader may see, as it was written, as it is said, and as it is abbreviated."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from layers.access import Audience, LayerGrant, ensure_audience
from layers.catalogue import Catalogue
from layers.edits import Changeset, Edit, apply_changeset
from layers.errors import InvalidParameter
from layers.history import undo
from layers.layer import parse_layer
from layers.plan import register
from layers.search import search
from layers.store import Store

TITLE = {"zh": "层", "en": "Layer"}
HOUSE = {"id": "house", "geometry": "Point", "title": TITLE, "born": "runtime", "label": "name", "district": "district_code", "fields": [
    {"name": "name", "type": "string", "title": TITLE, "search": "name"},
    {"name": "address", "type": "string", "title": TITLE, "search": "address"},
    {"name": "house_no", "type": "string", "title": TITLE, "search": "code"},
    {"name": "codes", "type": "codes", "title": TITLE, "search": "code"},
    {"name": "owner_name", "type": "string", "title": TITLE, "search": "name"},
    {"name": "district_code", "type": "string", "title": TITLE}]}
FLAT = {"id": "flat", "kind": "table", "title": TITLE, "born": "runtime", "label": "door", "district": "district_code", "fields": [
    {"name": "house_fid", "type": "reference", "references": "house", "part_of": True, "on_retire": "cascade", "title": TITLE},
    {"name": "door", "type": "string", "title": TITLE}, {"name": "flat_no", "type": "string", "title": TITLE, "search": "code"},
    {"name": "district_code", "type": "string", "title": TITLE}]}
# name, address, number, district
HOUSES = [
    ("望京", "北京市朝阳区望京街道望京东街8号院3号楼", "110105000001", "110105"),
    ("望京花园", "北京市朝阳区望京街道望京东街18号院3号楼", "110105000002", "110105"),
    ("北望京里", "北京市朝阳区望京街道望京西路1号", "110105000003", "110105"),
    ("重庆大厦", "北京市朝阳区重兴园路12号院12号楼B座", "110105000004", "110105"),
    ("中关村广场", "北京市海淀区中关村南大街5号", "110108000001", "110108"),
    ("Ｓｏｈｏ现代城", "北京市海淀区知春路二十一号院一号楼2单元101室", "110108000002", "110108"),
    ("Main Street Tower", "12 Main Street", "MS-12", "110108"),
    ("鼎", None, "110108000003", "110108"),
]


@pytest.fixture(scope="module")
def city(store: Store, owner: Audience) -> Iterator[Catalogue]:
    register(store, parse_layer(HOUSE))
    register(store, parse_layer(FLAT))
    catalogue = Catalogue(store)
    edits = [Edit("house", "create", temp_id=number, properties={"name": name, "address": address, "house_no": number, "district_code": district,
                                                                  "owner_name": f"户主{i}"},
                  geometry={"type": "Point", "coordinates": [116.30 + i / 100, 39.9]}, valid_from="2000")
             for i, (name, address, number, district) in enumerate(HOUSES)]
    edits.append(Edit("flat", "create", properties={"house_fid": "$110105000001", "door": "501", "flat_no": "F0110501", "district_code": "110105"},
                      valid_from="2000"))
    apply_changeset(store, catalogue, owner, Changeset(edits, "tester"))
    yield catalogue


@pytest.fixture(scope="module")
def find(store: Store, city: Catalogue, owner: Audience) -> Any:
    def found(text: str, audience: Audience = owner, **more: Any) -> list[dict[str, Any]]:
        return search(store, audience, city, text, **more)
    return found


def labels(results: list[dict[str, Any]]) -> list[str]:
    return [r["label"] for r in results]


def test_two_characters_are_found_exactly_then_as_a_beginning_then_inside(find: Any) -> None:
    found = find("望京")
    assert [(r["label"], r["match"]) for r in found] == [("望京", "exact"), ("望京花园", "prefix"), ("北望京里", "part")]
    assert found[0]["layer"] == "house" and found[0]["center"] == [116.3, 39.9]
    assert found[0]["detail"] == HOUSES[0][1]


def test_one_character_is_found_where_it_begins(find: Any) -> None:
    assert labels(find("鼎")) == ["鼎"]
    assert labels(find("望")) == ["望京", "望京花园"]


@pytest.mark.parametrize(("text", "wanted", "match"), [
    ("wj", "望京", "initials"), ("wjhy", "望京花园", "initials"), ("bwjl", "北望京里", "initials"), ("zgcgc", "中关村广场", "initials"),
    ("cqds", "重庆大厦", "initials"), ("zqds", "重庆大厦", "initials"), ("WJHY", "望京花园", "initials"), ("sohoxdc", "Ｓｏｈｏ现代城", "initials"),
    ("wjdj8hy3hl", "望京", "initials"),
    ("soho", "Ｓｏｈｏ现代城", "prefix"), ("main str", "Main Street Tower", "prefix"), ("street tower", "Main Street Tower", "part"),
    ("110105000003", "北望京里", "code"), ("1101080000", "中关村广场", "code"), ("ms-12", "Main Street Tower", "code"),
])
def test_initials_codes_and_latin(find: Any, text: str, wanted: str, match: str) -> None:
    assert (wanted, match) in [(r["label"], r["match"]) for r in find(text)]


def test_initials_of_the_beginning_come_first(find: Any) -> None:
    assert labels(find("wj")) == ["望京", "望京花园"]
    assert labels(find("wjl")) == ["北望京里"]


def test_initials_that_are_not_spelled_so_are_not_found(find: Any) -> None:
    assert find("wjq") == [] and find("jwhy") == []


@pytest.mark.parametrize(("text", "wanted", "level"), [
    ("望京东街8号院3号楼", "望京", "building"),
    ("望京东街8号院三号楼", "望京", "building"),
    ("望京东街８号院３栋", "望京", "building"),
    ("望京东街8号院3#楼", "望京", "building"),
    ("朝阳区望京东街8号院3号楼", "望京", "building"),
    ("朝阳望京东街8号院3号楼", "望京", "building"),
    ("北京市朝阳区望京街道望京东街8号院3号楼2单元501室", "望京", "building"),
    ("望京东街8号院3", "望京", "building"),
    ("望京东街8号院9号楼2单元501", "望京", "compound"),
    ("望京东街99号", "望京", "street"),
    ("知春路21号院1号楼2单元101", "Ｓｏｈｏ现代城", "room"),
    ("知春路21号院1-2-101", "Ｓｏｈｏ现代城", "room"),
    ("海淀中关村南大街五号", "中关村广场", "compound"),
    ("重兴园路12号院12号楼b座", "重庆大厦", "building"),
])
def test_addresses_are_found_as_far_as_they_are_known(find: Any, text: str, wanted: str, level: str) -> None:
    assert (wanted, level) in [(r["label"], r["level"]) for r in find(text)]


def test_a_number_is_not_the_end_of_another(find: Any) -> None:
    assert labels(find("望京东街8号院")) == ["望京"]
    assert labels(find("望京东街18号院")) == ["望京花园"]


def test_words_in_any_distance(find: Any) -> None:
    assert set(labels(find("望京 3号楼"))) == {"望京", "望京花园"}


def test_nothing_is_found_for_nothing_and_for_what_is_nowhere(find: Any) -> None:
    assert find("") == find("  　") == find("龘龘龘") == find("，") == []
    with pytest.raises(InvalidParameter, match="'q'"):
        find("长" * 101)
    with pytest.raises(InvalidParameter, match="'q'"):
        find("a\x00b")
    with pytest.raises(InvalidParameter, match="'q'"):
        find("a\ud800b")
    with pytest.raises(InvalidParameter, match="'limit'"):
        find("望京", limit=0)


@pytest.mark.parametrize("text", ["%", "_", "\\", "***", "(?i)", "a|b", "望京[", "'; DROP TABLE gis.search_entry; --", "$1", "{}"])
def test_signs_are_only_signs(find: Any, text: str) -> None:
    assert find(text) == []


def test_what_has_no_place_lies_where_it_belongs(find: Any) -> None:
    (flat,) = find("f0110501")
    assert (flat["layer"], flat["label"], flat["detail"], flat["match"], flat["center"]) == ("flat", "501", "F0110501", "code", [116.3, 39.9])


def test_the_nearer_comes_first_among_equals(find: Any) -> None:
    assert labels(find("户主", near=(116.37, 39.9)))[0] == "鼎"
    assert labels(find("户主", near=(116.30, 39.9)))[0] == "望京"


def test_limit_and_layers(find: Any) -> None:
    assert len(find("1101", limit=3)) == 3
    assert find("望京", layers=["flat"]) == []
    assert {r["layer"] for r in find("望京", layers=["house", "nowhere"])} == {"house"}


def test_readers_find_only_their_districts_and_fields(store: Store, city: Catalogue, find: Any) -> None:
    haidian = ensure_audience(store, city.layers, [LayerGrant("house", districts=("110108",))])
    no_address = ensure_audience(store, city.layers, [LayerGrant("house", fields=("name", "house_no", "district_code"))])
    flats = ensure_audience(store, city.layers, [LayerGrant("flat")])
    assert labels(find("110", haidian)) == ["中关村广场", "Ｓｏｈｏ现代城", "鼎"]
    assert find("望京", haidian) == find("wjhy", haidian) == find("望京东街8号院", haidian) == []
    assert find("户主3", no_address) == find("户主", no_address) == []
    assert labels(find("望京", no_address)) == ["望京", "望京花园", "北望京里"]
    # The address is known to nobody who may not read it: neither found nor told.
    assert find("望京东街", no_address) == [] and all(r["detail"] == "" for r in find("望京", no_address))
    # Whoever may not see the house does not learn where the flat is.
    assert [r["center"] for r in find("F0110501", flats)] == [None]
    with store.read(haidian.role) as connection:
        assert connection.execute("SELECT DISTINCT district_code FROM gis.search_entry").fetchall() == [("110108",)]
    with store.read(no_address.role) as connection:
        assert connection.execute("SELECT count(*) FROM gis.search_entry WHERE field IN ('address', 'owner_name')").fetchone() == (0,)


def test_finds_what_was_so_at_a_moment_and_follows_edits_and_undo(store: Store, city: Catalogue, owner: Audience, find: Any) -> None:
    made = apply_changeset(store, city, owner, Changeset([Edit("house", "create", properties={
        "name": "旧名胡同", "district_code": "110101", "codes": [{"scheme": "local", "value": "XC-77"}]},
        geometry={"type": "Point", "coordinates": [116.4, 39.95]}, valid_from="1990")], "tester"))
    fid = made.fids[0]
    apply_changeset(store, city, owner, Changeset([Edit("house", "put", fid, properties={"name": "新名大街"}, partial=True, valid_from="2010")], "tester"))
    assert find("旧名") == [] and labels(find("新名")) == ["新名大街"]
    assert labels(find("旧名", at=datetime(2005, 1, 1, tzinfo=UTC))) == ["旧名胡同"]
    assert find("旧名", at=datetime(1980, 1, 1, tzinfo=UTC)) == []
    # The code was the same all the time: one entry, not one per version.
    with store.read() as connection:
        assert connection.execute("SELECT label, lower(valid)::date::text, upper_inf(valid) FROM gis.search_entry WHERE fid = %s AND field = 'codes'",
                                  (fid,)).fetchall() == [("XC-77", "1990-01-01", True)]
    ended = apply_changeset(store, city, owner, Changeset([Edit("house", "retire", fid, valid_from="2020")], "tester"))
    assert find("新名") == [] and find("xc-77") == []
    undo(store, city, owner, ended.seq, "tester", "a mistake")
    assert labels(find("新名")) == ["新名大街"] and [r["match"] for r in find("xc-77")] == ["code"]


def test_follows_definitions(store: Store, city: Catalogue, owner: Audience) -> None:
    layer = parse_layer({"id": "kiosk", "geometry": "Point", "title": TITLE, "born": "runtime", "label": "sign", "fields": [
        {"name": "sign", "type": "string", "title": TITLE}]})
    register(store, layer)
    catalogue = Catalogue(store)
    apply_changeset(store, catalogue, owner, Changeset([Edit("kiosk", "create", properties={"sign": "小卖部"},
                                                             geometry={"type": "Point", "coordinates": [116.4, 39.9]})], "tester"))
    assert search(store, owner, catalogue, "小卖部") == []
    register(store, layer.model_copy(update={"fields": (layer.fields[0].model_copy(update={"search": "name"}),)}))
    catalogue.refresh()
    assert [(r["layer"], r["label"]) for r in search(store, owner, catalogue, "小卖部")] == [("kiosk", "小卖部")]


def test_a_limited_reader_is_answered_by_the_indexes(store: Store, city: Catalogue) -> None:
    limited = ensure_audience(store, city.layers, [LayerGrant("house", districts=("110108",), fields=("name", "district_code"))])
    asked = {"search_entry_grams": "grams @> ARRAY[1734692524] AND grams && ARRAY[5] AND kind <> 'code'",
             "search_entry_norm": "scope = 1 AND norm >= 'a' COLLATE \"C\" AND norm < 'b' COLLATE \"C\"",
             "search_entry_initials": "scope = 1 AND kind = 'name' AND initials IS NOT NULL AND initials >= 'w' COLLATE \"C\"",
             "search_entry_fid": "fid = 7"}
    with store.read(limited.role) as connection:
        for index, condition in asked.items():
            with connection.transaction():
                connection.execute("SET LOCAL enable_seqscan = off")
                plan = "\n".join(line for (line,) in connection.execute(f"EXPLAIN SELECT label FROM gis.search_entry WHERE {condition}"))
            assert index in plan and "Index Cond" in plan, plan
            # The row policy is looked at on what the index gave.
            assert "Filter" in plan and "district_code" in plan


def test_what_is_called_so_itself_comes_before_what_only_bears_the_name(store: Store, city: Catalogue, owner: Audience) -> None:
    estate = parse_layer({"id": "estate", "geometry": "Point", "title": TITLE, "born": "runtime", "label": "name", "grade": "L3", "fields": [
        {"name": "name", "type": "string", "title": TITLE, "search": "name"}]})
    gate = parse_layer({"id": "agate", "geometry": "Point", "title": TITLE, "born": "runtime", "label": "gate_no", "grade": "L1", "fields": [
        {"name": "gate_no", "type": "string", "title": TITLE}, {"name": "estate", "type": "string", "title": TITLE, "search": "name"}]})
    register(store, estate)
    register(store, gate)
    catalogue = Catalogue(store)
    place = {"type": "Point", "coordinates": [116.4, 39.9]}
    apply_changeset(store, catalogue, owner, Changeset([
        *(Edit("agate", "create", properties={"gate_no": f"{i}号", "estate": "信园里"}, geometry=place) for i in range(6)),
        Edit("estate", "create", properties={"name": "信园里"}, geometry=place), Edit("estate", "create", properties={"name": "信园里东区"}, geometry=place),
    ], "tester"))
    found = search(store, owner, catalogue, "信园里")
    assert [r["layer"] for r in found] == ["estate", "agate", "agate", "agate", "estate", "agate", "agate", "agate"]
    assert [r["label"] for r in found][:2] == ["信园里", "0号"] and found[1]["detail"] == "信园里"
