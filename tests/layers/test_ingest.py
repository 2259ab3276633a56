"""Imports: rows are matched, checked and refused one by one, and what a file says becomes one changeset."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import shapely

from layers.access import Audience
from layers.catalogue import Catalogue
from layers.edits import Changeset, Edit, apply_changeset
from layers.errors import InvalidParameter
from tests.data.import_town import houses, load, staged, told
from tests.data.odd_files import frame, mixed, square


@pytest.fixture
def city(town: Catalogue) -> Catalogue:
    return town


@pytest.mark.parametrize("ending", [".gpkg", ".parquet", ".geojson"])
def test_each_row_is_taken_or_refused_for_its_own_reason(city: Catalogue, tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"mixed{ending}"
    rows = mixed()
    rows.to_parquet(path) if ending == ".parquet" else rows.to_file(path)
    report = load(city, path, valid_from="1985")
    assert (report.read, report.new, report.rejected, report.seq) == (9, 3, 6, 1)
    assert dict(report.reasons) == {("geometry_invalid", "geometry"): 1, ("geometry_missing", "geometry"): 1, ("geometry_empty", "geometry"): 1,
                                    ("geometry_type", "geometry"): 2, ("outside", "geometry"): 1}
    assert report.notes == {"promoted": 2 + 2, "heights_dropped": 1}
    assert [(f.row, f.code) for f in sorted(report.faults, key=lambda f: f.row or 0)] == [
        (4, "geometry_invalid"), (5, "geometry_missing"), (6, "geometry_empty"), (7, "geometry_type"), (8, "geometry_type"), (9, "outside")]
    invalid = next(f for f in report.faults if f.code == "geometry_invalid")
    assert "Self-intersection" in invalid.message and invalid.place == (116.305, 39.905)
    assert told(city, "no, storeys, note, lower(valid)::date::text, begin_precision::text, ST_NDims(geom), GeometryType(geom)") == [
        ("heights", 2, "第 2 行", "1985-01-01", "y", 2, "MULTIPOLYGON"), ("multipolygon", 1, "第 1 行", "1985-01-01", "y", 2, "MULTIPOLYGON"),
        ("polygon", 0, "第 0 行", "1985-01-01", "y", 2, "MULTIPOLYGON")]
    assert staged(city) == 0


def test_make_valid_repairs_and_says_so(city: Catalogue, tmp_path: Path) -> None:
    path = tmp_path / "mixed.gpkg"
    mixed().to_file(path)
    report = load(city, path, make_valid=True)
    assert (report.new, report.notes["made_valid"]) == (4, 1)
    with city.store.read() as connection:
        area, valid = connection.execute("SELECT ST_Area(geom), ST_IsValid(geom) FROM city.house WHERE no = 'bowtie'").fetchone()
    assert valid and area == pytest.approx(0.00005)         # two triangles of 0.01 by 0.005


def test_the_same_again_is_unchanged_and_writes_nothing(city: Catalogue, tmp_path: Path) -> None:
    path = houses(tmp_path, {"no": "a", "storeys": 1}, {"no": "b", "storeys": 2})
    assert load(city, path, valid_from="2000").new == 2
    again = load(city, path, valid_from="2001")
    assert (again.new, again.changed, again.unchanged, again.seq) == (0, 0, 2, None)
    with city.store.read() as connection:
        assert connection.execute("SELECT count(*) FROM gis.changeset").fetchone() == (1,)


def test_a_second_year_becomes_new_versions_and_what_vanished_ends(city: Catalogue, tmp_path: Path, owner: Audience) -> None:
    load(city, houses(tmp_path, {"no": "a", "storeys": 1}, {"no": "b", "storeys": 2}, {"no": "c", "storeys": 3}), valid_from="2013")
    fids = dict(told(city, "no, fid"))
    apply_changeset(city.store, city, owner, Changeset([Edit("house", "put", fids["b"], properties={"note": "ours"}, partial=True, valid_from="2013-06-01")], "x"))
    second = houses(tmp_path, {"no": "a", "storeys": 1}, {"no": "b", "storeys": 5}, {"no": "d", "storeys": 4})
    report = load(city, second, valid_from="2014", on_missing="retire")
    # 'd' stands where 'c' stood.
    assert (report.new, report.changed, report.unchanged, report.retired) == (1, 1, 1, 1)
    assert told(city, "no, storeys, note, lower(valid)::date::text, upper(valid)::date::text, begin_precision::text, end_precision::text") == [
        ("a", 1, None, "2013-01-01", None, "y", "s"),
        ("b", 2, None, "2013-01-01", "2013-06-01", "y", "d"), ("b", 2, "ours", "2013-06-01", "2014-01-01", "d", "y"),
        # what the file does not speak of stays
        ("b", 5, "ours", "2014-01-01", None, "y", "s"),
        ("c", 3, None, "2013-01-01", "2014-01-01", "y", "y"), ("d", 4, None, "2014-01-01", None, "y", "s")]
    assert dict(told(city, "no, fid"))["b"] == fids["b"]


def test_an_earlier_year_fills_the_time_before(city: Catalogue, tmp_path: Path) -> None:
    load(city, houses(tmp_path, {"no": "a", "storeys": 5}), valid_from="2014")
    load(city, houses(tmp_path, {"no": "a", "storeys": 3}), valid_from="2010")
    assert told(city, "storeys, lower(valid)::date::text, upper(valid)::date::text") == [(3, "2010-01-01", "2014-01-01"), (5, "2014-01-01", None)]


def test_refused_rows_do_not_end_what_they_speak_of(city: Catalogue, tmp_path: Path) -> None:
    load(city, houses(tmp_path, {"no": "a", "storeys": 1}, {"no": "b", "storeys": 2}, {"no": "c", "storeys": 3}), valid_from="2013")
    second = frame([{"no": "a", "storeys": "many"}, {"no": "b", "storeys": "900"}, {"no": "c", "storeys": "3"}],
                   [square(0), square(1), square(2)])
    second.to_file(tmp_path / "second.gpkg")
    report = load(city, tmp_path / "second.gpkg", valid_from="2014", on_missing="retire")
    assert (report.retired, report.unchanged, report.rejected) == (0, 1, 2)
    assert dict(report.reasons) == {("type", "storeys"): 1, ("maximum", "storeys"): 1}


def test_ending_most_of_a_layer_must_be_meant(city: Catalogue, tmp_path: Path) -> None:
    load(city, houses(tmp_path, {"no": "a"}, {"no": "b"}, {"no": "c"}), valid_from="2013")
    one = houses(tmp_path, {"no": "a"})
    with pytest.raises(InvalidParameter, match=r"'on-missing': 2 of 3 features.*--most-missing"):
        load(city, one, valid_from="2014", on_missing="retire")
    assert staged(city) == 0
    assert load(city, one, valid_from="2014", on_missing="retire", most_missing=1.0).retired == 2


def test_geometries_that_hardly_differ_are_the_same(city: Catalogue, tmp_path: Path) -> None:
    path = tmp_path / "h.gpkg"
    frame([{"no": "a"}], [square(0)]).to_file(path)
    load(city, path, valid_from="2013")
    # 5e-6 degrees of latitude are 0.56 m
    frame([{"no": "a"}], [shapely.affinity.translate(square(0), 0, 5e-6)]).to_file(tmp_path / "moved.gpkg")
    assert load(city, tmp_path / "moved.gpkg", valid_from="2014", same_within_m=0.6, dry_run=True).unchanged == 1
    assert load(city, tmp_path / "moved.gpkg", valid_from="2014", same_within_m=0.5, dry_run=True).changed == 1
    assert load(city, tmp_path / "moved.gpkg", valid_from="2014", dry_run=True).changed == 1
    assert len(told(city, "no")) == 1 and staged(city) == 0


def test_keys_that_are_missing_or_repeated_are_refused(city: Catalogue, tmp_path: Path) -> None:
    report = load(city, houses(tmp_path, {"no": "a"}, {"no": None}, {"no": "a"}, {"no": " a "}, {"no": ""}))
    assert (report.new, report.rejected) == (1, 4)
    assert [(f.row, f.code) for f in report.faults] == [(2, "key_missing"), (3, "key_repeated"), (4, "key_repeated"), (5, "key_missing")]
    assert "row 1" in report.faults[1].message


def test_times_of_rows_make_a_history_of_one_feature(city: Catalogue, tmp_path: Path) -> None:
    path = houses(tmp_path, {"no": "a", "storeys": 1, "since": "1990"}, {"no": "a", "storeys": 2, "since": "2005-06"}, {"no": "b", "storeys": 9, "since": "soon"},
                  {"no": "c", "storeys": 9, "since": None}, {"no": "a", "storeys": 3, "since": "2005-06"})
    report = load(city, path, valid_from_field="since")
    assert told(city, "storeys, lower(valid)::date::text, upper(valid)::date::text, begin_precision::text, end_precision::text") == [
        (1, "1990-01-01", "2005-06-01", "y", "m"), (2, "2005-06-01", None, "m", "s")]
    assert len({fid for (fid,) in told(city, "fid")}) == 1
    assert dict(report.reasons) == {("valid_from", "since"): 2, ("key_repeated", "no"): 1}
    assert load(city, path, valid_from_field="since", valid_from="1980").unchanged == 2


def test_rows_that_break_a_rule_are_left_out_with_what_hangs_on_them(city: Catalogue, tmp_path: Path) -> None:
    def plots(*squares: Any) -> Path:
        path = tmp_path / "plots.gpkg"
        path.unlink(missing_ok=True)
        frame([{"no": str(i)} for i in range(len(squares))], squares).to_file(path)
        return path

    row = [shapely.box(116.30 + i * 0.001, 39.9, 116.301 + i * 0.001, 39.901) for i in range(4)]
    assert load(city, plots(*row), "plot", valid_from="2013").new == 4
    # All move 1 m to the east; the last is broken, so it stays, and so must its neighbour, and so on.
    moved = [shapely.affinity.translate(g, 0.00001, 0) for g in row]
    moved[3] = shapely.Polygon([(116.303, 39.9), (116.304, 39.901), (116.304, 39.9), (116.303, 39.901)])
    report = load(city, plots(*moved), "plot", valid_from="2014")
    assert (report.changed, report.rejected) == (0, 4)
    assert dict(report.reasons) == {("geometry_invalid", "geometry"): 1, ("overlap", "geometry"): 3}
    assert any("own new version is refused" in f.message for f in report.faults)
    # Two rows of one file: the later one is refused.
    twice = load(city, plots(*row, shapely.box(116.3105, 39.9, 116.3115, 39.901), shapely.box(116.311, 39.9, 116.312, 39.901)), "plot", valid_from="2014")
    assert (twice.new, twice.unchanged) == (1, 4)
    assert [(f.row, f.code) for f in twice.faults] == [(6, "overlap")] and "overlaps row 5 by" in twice.faults[0].message
