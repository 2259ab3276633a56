"""The keys of questions and of entries are the same numbers; readings and addresses are those of the trade."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layers.addresses import parse_address
from layers.pinyin import fill_pinyin, initial_letters, spelled
from layers.search_keys import contains_pattern, initials_grams, letter_sets, pair_grams, spells
from layers.store import Store

TEXTS = ["望京东街8号院3号楼", "重庆SOHO大厦", "Main Street 12", "Ｗ２ 号", "一百零三号院", "朝阳门内大街", "ｃｂｄ-３#楼", "甲3号", "东直门外大街", "a", "京", ""]


def keys(store: Store, texts: list[str], kind: str = "name") -> list[tuple[str, str | None, list[int] | None]]:
    with store.read() as connection:
        return [tuple(row) for row in connection.execute(
            "SELECT norm, initials, grams FROM gis.search_keys(%s::text[], %s::text[]) ORDER BY n", (texts, [kind] * len(texts)))]


def test_every_entry_has_the_grams_of_all_it_contains(store: Store) -> None:
    for norm, initials, grams in keys(store, TEXTS):
        for first in range(len(norm)):
            for last in range(first + 1, len(norm) + 1):
                assert pair_grams(norm[first:last]) <= set(grams or []), norm[first:last]
        for first in range(len(initials or "") - 2):
            assert initials_grams((initials or "")[first:first + 3]) <= set(grams or [])
        if initials and len(initials) > 1:
            assert initials_grams(initials[:2]) <= set(grams or [])


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20))
def test_any_text_has_keys_that_contain_it(store_for_texts: Store, text: str) -> None:
    ((norm, _, grams),) = keys(store_for_texts, [text])
    assert pair_grams(norm) <= set(grams or [])


@pytest.fixture(scope="module")
def store_for_texts(store: Store) -> Store:
    return store


def test_codes_are_kept_as_they_are_written(store: Store) -> None:
    assert keys(store, ["京 A-一号 x"], "code") == [("京a-一号x", None, None)]


@pytest.mark.parametrize(("text", "norm"), [
    ("三号楼", "3号楼"), ("十二号院", "12号院"), ("二十号", "20号"), ("二十一号", "21号"), ("一百零三号", "103号"), ("一百二十号", "120号"), ("二〇三室", "203"),
    ("3栋", "3号楼"), ("3#", "3号楼"), ("A栋", "a号楼"), ("８号院 ３－２－５０１", "8号院3号楼2单元501"), ("三单元二门", "3单元2门"), ("三里屯路", "三里屯路"),
    ("五道口", "五道口"), ("前门大街", "前门大街"), ("一一一号", "111号"), ("Main  St, 5", "mainst5"), ("五〇一室", "501")])
def test_addresses_have_one_way_of_writing(store: Store, text: str, norm: str) -> None:
    assert keys(store, [text], "address")[0][0] == norm


def test_readings_of_place_names(store: Store) -> None:
    letters = initial_letters()
    assert {c: letters[c] for c in "望京东街朝重长行厦门"} == {
        "望": "w", "京": "j", "东": "d", "街": "j", "朝": "cz", "重": "zc", "长": "zc", "行": "xh", "厦": "sx", "门": "m"}
    assert all(len(found) in (1, 2) and found.isascii() and found.islower() for found in letters.values())
    with store.read() as connection:
        stored = connection.execute("SELECT initials FROM gis.pinyin").fetchone()[0]
    assert stored[ord("重") - 0x4E00] == ord("z") + 128 * ord("c") and stored[ord("望") - 0x4E00] == ord("w")
    assert fill_pinyin(store) is False
    assert spells("cq", letter_sets("重庆8路", stored)) == 0 and spells("q8l", letter_sets("重庆8路", stored)) == 1
    assert spells("xq", letter_sets("重庆8路", stored)) is None
    assert spelled("区划代码A") == "qu hua dai ma A"


@pytest.mark.parametrize(("text", "parts", "level"), [
    ("北京市朝阳区望京东街8号院3号楼2单元501", ("北京市朝阳区望京东街", "8号院", "3号楼", "2单元", "501"), "room"),
    ("望京花园3号楼", ("望京花园", "3号楼"), "building"), ("望京东街甲8号", ("望京东街", "甲8号"), "compound"), ("望京", ("望京",), "street"),
    ("8号院3号楼1门", ("8号院", "3号楼", "1门"), "entrance"), ("cbd12", ("cbd12",), "street"), ("2008", ("2008",), "street"), ("", (), None),
    ("三里河一区5号楼3门12", ("三里河一区", "5号楼", "3门", "12"), "room"), ("南大街12号院东区7号楼", ("南大街", "12号院东区", "7号楼"), "building")])
def test_parts_of_addresses(text: str, parts: tuple[str, ...], level: str | None) -> None:
    address = parse_address(text)
    assert (address.parts, address.level) == (parts, level)


def test_wider_addresses() -> None:
    address = parse_address("望京东街8号院3号楼2单元501")
    levels = []
    while address is not None:
        levels.append((address.level, address.parts[-1]))
        address = address.wider()
    assert levels == [("room", "501"), ("entrance", "2单元"), ("building", "3号楼"), ("compound", "8号院"), ("street", "望京东街")]


def test_patterns_escape_signs_and_guard_numbers(store: Store) -> None:
    def matches(parts: list[str], text: str) -> bool:
        with store.read() as connection:
            return bool(connection.execute("SELECT %s ~ %s", (text, contains_pattern(parts))).fetchone()[0])

    assert matches(["8号院"], "望京东街8号院") and not matches(["8号院"], "望京东街18号院")
    assert matches(["望京东街", "8号院"], "望京东街8号") and matches(["朝阳", "望京"], "朝阳区望京") and not matches(["望京", "朝阳"], "朝阳区望京")
    assert not matches(["a.c"], "abc") and matches(["a.c"], "xa.cx") and matches(["(?i)"], "(?i)") and matches(["\\"], "a\\b")
