"""`gis import` and `gis export` as somebody types them: what they say, in both languages, and how they end."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gisserver.cli import main
from gisserver.exit_codes import ExitCode
from layers.store import Store
from tests.data.odd_files import frame, mixed, square, write_geojson

Typed = Callable[..., tuple[int, str]]


@pytest.fixture
def typed(store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Typed:
    """Run a command against the module's store; return its exit code and all it said."""
    monkeypatch.setenv("GIS_DATABASE_URL", store.dsn)
    monkeypatch.setenv("COLUMNS", "300")
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)

    def run(*words: str | Path, language: str = "en") -> tuple[int, str]:
        monkeypatch.setenv("LANG", {"en": "C.UTF-8", "zh": "zh_CN.UTF-8"}[language])
        code = main([str(word) for word in words])
        said = capsys.readouterr()
        return code, said.out + said.err
    return run


def test_a_file_becomes_a_layer_is_renewed_and_exported(typed: Typed, tmp_path: Path) -> None:
    path = write_geojson(tmp_path / "stalls.geojson", [({"编号": f"s{i}", "名称": f"早点{i}", "座位": i}, square(i)) for i in range(3)])
    code, said = typed("import", path, "--new-layer", "stalls", "--key", "编号", "--valid-from", "2020", "--dry-run")
    assert code == ExitCode.OK and "bian_hao" in said and "read" not in said
    code, said = typed("import", path, "--new-layer", "stalls", "--key", "编号", "--valid-from", "2020")
    assert code == ExitCode.OK and "read 3, written 3 (3 new, 0 changed, 0 retired), unchanged 0, rejected 0; changeset 1" in said
    code, said = typed("import", path, "--new-layer", "stalls")
    assert code == ExitCode.USAGE and "is there already; import into it with --layer stalls" in said
    code, said = typed("import", path, "--layer", "stalls", language="zh")
    assert code == ExitCode.OK and "读取 3，写入 0（新增 0，变更 0，终止 0），未变 3，拒绝 0" in said
    write_geojson(path, [({"编号": "s1", "名称": "改名", "座位": "许多"}, square(1)), ({"编号": "s2", "名称": "改名", "座位": "2"}, square(2))])
    code, said = typed("import", path, "--layer", "stalls", "--valid-from", "2021", "--on-missing", "retire", "--rejects", tmp_path / "r.csv", language="zh")
    assert code == ExitCode.OK and "变更 1，终止 1" in said and "拒绝 1：值无法读取 (zuo_wei)" in said and "第 1 行" in said
    with (tmp_path / "r.csv").open(encoding="utf-8-sig", newline="") as file:
        (refused,) = csv.DictReader(file)
    assert (refused["row"], refused["field"], refused["code"]) == ("1", "zuo_wei", "type")
    code, said = typed("export", "stalls", tmp_path / "out.geojson", "--filter", "zuo_wei >= 1", "--at", "2021-06-01", "--fields", "ming_cheng,zuo_wei")
    assert code == ExitCode.OK and "2 features of stalls written" in said
    features = json.loads((tmp_path / "out.geojson").read_text("utf-8"))["features"]
    assert sorted((f["properties"]["ming_cheng"], f["properties"]["zuo_wei"]) for f in features) == [("改名", 2), ("早点1", 1)]


def test_a_file_that_is_refused_as_a_whole_ends_with_a_code(typed: Typed, tmp_path: Path) -> None:
    path = tmp_path / "m.gpkg"
    mixed().iloc[3:].to_file(path)
    code, said = typed("import", path, "--layer", "building", "--map", "no=source_id", "--set", "status=in_use", "--set", "use=other", "--set", "district_code=110105")
    assert code == ExitCode.BAD_DATA and "written 0" in said and "rejected 1: invalid geometry (--make-valid repairs)" in said
    assert "row 1: the geometry is invalid: Self-intersection [116.305, 39.905]" in said
    code, said = typed("import", path, "--layer", "building", "--map", "no=source_id")
    assert code == ExitCode.BAD_DATA and "value must be given (use)" in said


@pytest.mark.parametrize(("words", "said"), [
    (["--layer", "nowhere"], "no layer 'nowhere'"),
    (["--layer", "building", "--map", "no"], "must be written as a=b"),
    (["--layer", "building", "--map", "nö=source_id"], "no column 'nö'; did you mean no?"),
    (["--layer", "building", "--new-layer", "x"], "say where it goes"),
    ([], "say where it goes"),
    (["--layer", "building", "--valid-from", "soon"], "'valid-from'"),
    (["--layer", "building", "--crs", "moon"], "'crs'"),
    (["--layer", "building", "--source-layer", "x"], "no layer 'x'"),
    (["--new-layer", "Übung"], "'new-layer'"),
])
def test_wrong_words_are_told_in_one_sentence(typed: Typed, tmp_path: Path, words: list[str], said: str) -> None:
    path = tmp_path / "h.gpkg"
    frame([{"no": "a"}], [square(0)]).to_file(path)
    code, told = typed("import", path, *words)
    assert code in (ExitCode.USAGE, ExitCode.BAD_DATA, ExitCode.NOT_FOUND) and said in told and "Traceback" not in told


@pytest.mark.parametrize(("words", "said"), [
    (["nowhere", "x.gpkg"], "no layer 'nowhere'"), (["building", "x.docx"], "'format'"), (["building", "x.csv", "--fields", "hight"], "'fields'"),
    (["building", "x.csv", "--bbox", "1,2"], "'bbox'"), (["building", "x.csv", "--crs", "EPSG:x"], "'crs'"),
    (["building", "x.csv", "--filter", "height_m >"], "'filter'"), (["building", "x.csv", "--at", "soon"], "'at'")])
def test_wrong_exports_are_told_in_one_sentence(typed: Typed, tmp_path: Path, words: list[str], said: str) -> None:
    code, told = typed("export", words[0], tmp_path / words[1], *words[2:])
    assert code in (ExitCode.BAD_DATA, ExitCode.NOT_FOUND) and said in told and not list(tmp_path.iterdir())
