"""`gis import`: a file becomes one changeset of a layer."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from config.settings import Settings
from gisserver.exit_codes import ExitCode
from gisserver.ops.database import city_store
from gisserver.ops.saying import Teller
from gisserver.wording import fault_message
from layers.catalogue import Catalogue
from layers.import_report import ImportReport
from layers.inferred_layer import infer_layer
from layers.ingest import ImportPlan, ingest
from layers.layer import Layer
from layers.mapping import ImportMapping, read_mapping
from layers.plan import register
from layers.sources import Source, open_source
from layers.store import Store

__all__ = ["command"]

# Steps and notes of an import, and why rows are refused: (English, Chinese).
STEPS = {"read": ("reading", "读取"), "compare": ("comparing", "比对"), "check": ("checking", "检查"), "write": ("writing", "写入")}
NOTES = {
    "promoted": ("geometries became multi-part", "个几何转为多部件"),
    "heights_dropped": ("geometries lost heights, which the layer does not have", "个几何去掉了高程（图层不存高程）"),
    "heights_zero": ("geometries got height 0", "个几何高程记为 0"),
    "made_valid": ("invalid geometries were made valid", "个无效几何已修复"),
    "geometry_dropped": ("geometries were left out, which the layer does not have", "个几何未导入（图层没有几何）"),
    "surfaces_dropped": ("buildings lost their surfaces: no layer takes them", "栋建筑的表面未导入：没有接收的图层"),
    "textures_dropped": ("textures were left out: surfaces have the colours of their types", "个纹理未导入：表面按类型着色"),
    "materials_dropped": ("materials were left out: surfaces have the colours of their types", "个材质未导入：表面按类型着色"),
    "kept_for_others": ("features are not in the file, but others refer to them; they stay", "个要素文件中没有，但仍被引用，予以保留"),
}
REASONS = {
    "key_missing": ("no key", "缺少主键"), "key_repeated": ("key stands in the file already", "主键在文件中重复"),
    "type": ("value cannot be read", "值无法读取"), "valid_from": ("time cannot be read", "时间无法读取"),
    "required": ("value must be given", "必填项缺失"), "minimum": ("value too small", "值过小"), "maximum": ("value too large", "值过大"),
    "max_length": ("text too long", "文本过长"), "pattern": ("text has not the right form", "文本格式不符"), "code": ("unknown code", "代码不在代码表中"),
    "codes": ("wrong official code", "官方代码有误"), "finite": ("not a finite number", "不是有限数"),
    "geometry_missing": ("no geometry", "没有几何"), "geometry_empty": ("empty geometry", "几何为空"),
    "geometry_invalid": ("invalid geometry (--make-valid repairs)", "几何无效（--make-valid 可修复）"),
    "geometry_type": ("wrong kind of geometry", "几何类型不符"), "geometry_unreadable": ("unreadable geometry", "几何无法读取"),
    "geometry_coordinates": ("impossible coordinates", "坐标无效"), "outside": ("outside the city", "超出城市范围"),
    "overlap": ("overlaps another", "与其他要素重叠"), "not_within": ("reaches beyond what it must lie in", "超出应在的范围"),
    "reference": ("refers to what is not there", "引用的要素不存在"), "referred": ("others still refer to it", "仍被其他要素引用"),
    "surfaces": ("surfaces cannot be read", "表面无法读取"), "surface_type": ("unknown type of surface", "表面类型未知"),
    "surface_ring": ("ring is open or has no area", "环未闭合或没有面积"), "surface_plane": ("surface is not flat", "表面不平"),
    "surface_height": ("surfaces lie beyond the heights they say", "表面超出所述高程"), "surface_place": ("surfaces lie beside their building", "表面不在其建筑处"),
    "span": ("time of validity is wrong", "有效时间有误"),
}


def _pairs(ctx: click.Context, parameter: click.Parameter, values: Iterable[str]) -> dict[str, str]:
    pairs = {}
    for value in values:
        left, sign, right = value.partition("=")
        if not sign or not left or not right:
            raise click.BadParameter(f"'{value}' must be written as a=b")
        pairs[left.strip()] = right.strip()
    return pairs


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--layer", "layer_id", metavar="LAYER", help="The layer that the rows go into.")
@click.option("--new-layer", metavar="ID", help="Make a layer of the file's own columns and import into it.")
@click.option("--mapping", "mapping_file", type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="YAML file with layer, key, map, set, values (see config/imports); options here stand above it.")
@click.option("--map", "columns", multiple=True, callback=_pairs, metavar="COLUMN=FIELD",
              help="A column of the file and its field, or several with commas. Columns named as fields need no --map. For codes: COLUMN=FIELD:SCHEME, "
                   "for references: COLUMN=FIELD.KEY, KEY being the field of the other layer that the column holds.")
@click.option("--set", "fixed", multiple=True, callback=_pairs, metavar="FIELD=VALUE", help="A value for all rows.")
@click.option("--key", help="Field that rows are matched by; the layer's own key otherwise.")
@click.option("--valid-from", metavar="TIME", help="Since when what the file says is so: 2014, 2014-06, 2014-06-30. Otherwise: now.")
@click.option("--valid-from-field", metavar="COLUMN", help="Column with the time of each row.")
@click.option("--crs", help="CRS of the file, such as EPSG:4490, where it does not say or is wrong.")
@click.option("--encoding", help="Encoding of a Shapefile's texts, such as GBK, where it does not say.")
@click.option("--source-layer", metavar="NAME", help="Which layer of the file.")
@click.option("--on-missing", type=click.Choice(["keep", "retire"]), default="keep", show_default=True,
              help="What becomes of features that the file does not have.")
@click.option("--most-missing", type=click.FloatRange(0, 1), default=0.5, show_default=True, help="Largest share of a layer to retire.")
@click.option("--same-within", type=click.FloatRange(0), default=0.0, metavar="METRES", help="Geometries that differ less are the same.")
@click.option("--make-valid", is_flag=True, help="Repair invalid geometries instead of refusing them.")
@click.option("--reason", help="Why; kept with the changeset.")
@click.option("--rejects", type=click.Path(dir_okay=False, path_type=Path), help="Write every refused row to this CSV file.")
@click.option("--dry-run", is_flag=True, help="Read, compare and check, and write nothing.")
@click.pass_obj
def command(settings: Settings, file: Path, layer_id: str | None, new_layer: str | None, mapping_file: Path | None,
            columns: dict[str, str], fixed: dict[str, str], key: str | None, valid_from: str | None, valid_from_field: str | None,
            crs: str | None, encoding: str | None, source_layer: str | None, on_missing: Any, most_missing: float, same_within: float,
            make_valid: bool, reason: str | None, rejects: Path | None, dry_run: bool) -> int:
    """Import a GeoPackage, GeoParquet, GeoJSON, Shapefile, CityJSON or another file into a layer, as one changeset.

    \b
    把文件导入图层，作为一个变更集。
      gis import parcels.gpkg --layer parcel --map ML=source_id --set district_code=110105 --valid-from 2014
      gis import delft.city.json --mapping config/imports/delft_cityjson.yaml
    """
    mapping = _mapping(read_mapping(mapping_file) if mapping_file else ImportMapping(), layer=layer_id, source_layer=source_layer, key=key,
                       valid_from=valid_from, valid_from_field=valid_from_field, crs=crs, encoding=encoding)
    mapping = replace(mapping, columns={**mapping.columns, **columns}, fixed={**mapping.fixed, **fixed})
    if (new_layer is None) == (mapping.layer is None):
        raise click.UsageError("say where it goes: --layer LAYER, or --new-layer ID for a layer of the file's own columns")
    teller = Teller()
    source = open_source(file, mapping.source_layer, mapping.crs, mapping.encoding)
    plan = ImportPlan(mapping, getpass.getuser(), reason or f"import of {file.name}", on_missing, most_missing, make_valid, same_within,
                      dry_run, 1_000_000 if rejects else 20)
    with city_store(settings) as store:
        catalogue = Catalogue(store)
        if new_layer:
            layer, mapping = infer_layer(source, new_layer, key, mapping)
            plan = replace(plan, mapping=mapping)
            _tell_layer(teller, layer, source)
            if dry_run:
                return ExitCode.OK
            _register(store, catalogue, layer)
        else:
            layer = catalogue.layer(str(mapping.layer))
        report = _with_progress(teller, lambda progress: ingest(store, catalogue, source, layer, plan, progress))
    _tell(teller, report)
    if rejects:
        report.write_faults(rejects)
        teller.say(f"refused rows: {rejects}", f"被拒绝的行：{rejects}")
    return ExitCode.BAD_DATA if report.rejected and not (report.written or report.unchanged) else ExitCode.OK


def _mapping(mapping: ImportMapping, **given: str | None) -> ImportMapping:
    return replace(mapping, **{name: value for name, value in given.items() if value is not None})


def _register(store: Store, catalogue: Catalogue, layer: Layer) -> None:
    if layer.id in catalogue.layers:
        raise click.UsageError(f"layer '{layer.id}' is there already; import into it with --layer {layer.id}")
    register(store, layer)
    catalogue.refresh()


def _with_progress(teller: Teller, act: Callable[[Callable[[str, int, int | None], None]], ImportReport]) -> ImportReport:
    with Progress(SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
                  console=teller.console, transient=True) as bars:
        task = bars.add_task(teller.text(*STEPS["read"]), total=None)

        def progress(step: str, done: int, of: int | None) -> None:
            if step == "read":
                bars.update(task, completed=done, total=of)
            else:
                bars.update(task, description=teller.text(*STEPS[step]))
        return act(progress)


def _tell_layer(teller: Teller, layer: Layer, source: Source) -> None:
    teller.say(f"layer {layer.id} ({layer.geometry or 'table'}):", f"图层 {layer.id}（{layer.geometry or '表'}）：")
    for field in layer.fields:
        teller.say(f"  {field.name:<24} {field.type:<9} {field.title.en}", f"  {field.name:<24} {field.type:<9} {field.title.zh}")


def _tell(teller: Teller, report: ImportReport) -> None:
    done = teller.text("would be written" if report.dry_run else "written", "将写入" if report.dry_run else "写入")
    teller.say(f"{report.source} -> {report.layer}: read {report.read}, {done} {report.written} ({report.new} new, {report.changed} changed, "
               f"{report.retired} retired), unchanged {report.unchanged}, rejected {report.rejected}"
               + (f"; changeset {report.seq}" if report.seq else ""),
               f"{report.source} → {report.layer}：读取 {report.read}，{done} {report.written}（新增 {report.new}，变更 {report.changed}，"
               f"终止 {report.retired}），未变 {report.unchanged}，拒绝 {report.rejected}" + (f"；变更集 {report.seq}" if report.seq else ""))
    if report.part and (report.part.written or report.part.unchanged or report.part.rejected):
        _tell(teller, replace(report.part, seq=report.seq))
    for note, count in report.notes.items():
        teller.say(f"  {count} {NOTES[note][0]}", f"  {count} {NOTES[note][1]}")
    for (code, field), count in report.reasons.most_common():
        where = f" ({field})" if field and field != "geometry" else ""
        english, chinese = REASONS.get(code, (code, code))
        teller.warn(f"  rejected {count}: {english}{where}", f"  拒绝 {count}：{chinese}{where}")
    for fault in report.faults[:20]:
        place = f" [{fault.place[0]}, {fault.place[1]}]" if fault.place else ""
        teller.say(f"    row {fault.row}: {fault.message}{place}", f"    第 {fault.row} 行：{fault_message(asdict(fault), 'zh')}{place}")
