"""Every sentence that the checks can say is said in Chinese too, with its numbers."""

from __future__ import annotations

import re

import pytest

from config.settings import ROOT
from layers.fault_text import chinese_of


def sentences_of_checks() -> list[str]:
    """Return the sentences in the SQL of the checks and in the Python that refuses rows, with numbers put in."""
    found = []
    for path in sorted((ROOT / "layers" / "sql").glob("*.sql")):
        text = re.sub(r"'\s*\n\s*\|\|\s*'", "", path.read_text())
        for call in re.findall(r"gis\.fault\(''?[a-z_]+''?,\s*(?:format\()?''((?:[^']|'''')+)''", text):
            found.append(call)
        found += [m for m in re.findall(r"format\('(''%s''[^\n]*?)'(?:,|\))", text) if "must" in m or "match" in m or "wrong" in m]
    values = (ROOT / "layers" / "values.py").read_text()
    found += re.findall(r'WrongValue\(f?"([^"]+)"\)', values)
    geometry = (ROOT / "layers" / "ingest_geometry.py").read_text()
    found += re.findall(r'refuse\([^"]*"[a-z_]+", "([^"]+)"\)', geometry)
    return [re.sub(r"\{[^}]*\}", "x", s.replace("''''", "'").replace("''", "'").replace("%%s", "7").replace("%s", "7")) for s in found]


def test_the_checks_are_found() -> None:
    assert len(sentences_of_checks()) > 25


@pytest.mark.parametrize("sentence", sorted(set(sentences_of_checks())))
def test_every_sentence_of_a_check_has_its_chinese(sentence: str) -> None:
    if sentence == "the geometry is invalid: ":
        sentence += "Self-intersection"
    if sentence == "7 refers to 7 7, which 7":
        sentence = "project refers to project 7, which does not exist"
    said = chinese_of(sentence)
    assert said is not None and re.search(r"[一-鿿]", said)


@pytest.mark.parametrize(("english", "chinese"), [
    ("'height_m' must be at most 900", "不得大于 900"),
    ("'use' must be one of its codes (residential, office)", "须取代码表中的值（residential, office）"),
    ("overlaps feature 12 by 3.25 m2", "与要素 12 重叠 3.25 平方米"),
    ("reaches 10.00 m2 beyond red_line 8", "超出 red_line 8 的范围 10.00 平方米"),
    ("'floors' must be a whole number; the file has 'three'", "须为整数；文件中为“three”"),
    ("milestone 5 still refers to it by project", "milestone 5 仍通过 project 引用它"),
])
def test_the_numbers_stand_in_it(english: str, chinese: str) -> None:
    assert chinese_of(english) == chinese


def test_what_the_table_does_not_know_is_not_made_up() -> None:
    assert chinese_of("something else happened") is None
