"""`gis coverage`: rasters of imagery and elevation, taken in, listed and withdrawn."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from config.settings import Settings
from gisserver.ops.database import city_store
from gisserver.ops.operator import operator
from gisserver.ops.saying import Teller
from layers.catalogue import Catalogue
from layers.coverages import add_coverage_file, coverage_view, withdraw_coverage_files
from layers.errors import InvalidParameter
from layers.layer import Layer
from layers.moments import parse_datetime
from layers.store import Store
from tiles.coverage_intake import facts_of, take_in

__all__ = ["add_raster", "command"]

Span = tuple[datetime | None, datetime | None]
STEPS = {"read": ("checking every cell", "逐块检查"), "overview": ("making overviews", "生成金字塔"), "write": ("writing", "写入")}


@click.group()
def command() -> None:
    """Take in, list and withdraw rasters of imagery and elevation. 影像与高程栅格的入库、查看与撤下。"""


@command.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--layer", "layer_id", metavar="LAYER", required=True, help="The coverage that it shows: imagery, dem.")
@click.option("--valid", metavar="FROM/TO", help="For which time: 2020/2021, 2020-05-01/.., 2020 (that year). Otherwise: always.")
@click.option("--replace", "replaces", type=int, multiple=True, metavar="FILE", help="Number of a file that it takes the place of.")
@click.option("--attribution", metavar="TEXT", help="Whose picture it is, to be shown with the map.")
@click.option("--nodata", type=float, metavar="VALUE", help="Value of cells without one, where the file does not say.")
@click.option("--anywhere", is_flag=True, help="Take it also where it lies outside the city.")
@click.option("--reason", help="Why; kept with the changeset.")
@click.pass_obj
def add(settings: Settings, file: Path, layer_id: str, valid: str | None, replaces: tuple[int, ...], attribution: str | None,
        nodata: float | None, anywhere: bool, reason: str | None) -> None:
    """Check a raster, keep it as a cloud-optimised GeoTIFF, and show it from now on. 检查栅格，存为 COG 并发布。"""
    teller = Teller()
    with city_store(settings) as store:
        catalogue = Catalogue(store)
        layer = _coverage(catalogue, layer_id)
        span = _span(valid)
        with Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=teller.console,
                      transient=True) as bars:
            seq, _ = add_raster(store, catalogue, layer, settings.var, file, span, replaces, attribution, nodata, anywhere,
                                   reason or f"coverage {file.name}", _bars(teller, bars))
    teller.say(f"{file.name} is shown in {layer.id}; changeset {seq}", f"{file.name} 已加入 {layer.id}；变更集 {seq}")


@command.command("list")
@click.argument("layer_id", metavar="LAYER")
@click.pass_obj
def list_files(settings: Settings, layer_id: str) -> None:
    """List the rasters of a coverage, the topmost first."""
    teller = Teller()
    with city_store(settings) as store:
        layer = _coverage(Catalogue(store), layer_id)
        view = coverage_view(store, layer.id, interval=(None, None))
    for file in view.files:
        width, height, bands = file.facts["width"], file.facts["height"], file.facts["bands"]
        click.echo(f"{file.file_id:>5}  {_day(file.valid_from)}/{_day(file.valid_to)}  {width}x{height}  {len(bands)} x {bands[0]['dtype']:<8} "
                   f"EPSG:{file.facts['srid']}  {file.path}")
    if not view.files:
        teller.say(f"No raster was added to {layer.id}.", f"{layer.id} 尚未加入栅格。")


@command.command()
@click.argument("layer_id", metavar="LAYER")
@click.argument("files", type=int, nargs=-1, required=True, metavar="FILE...")
@click.option("--reason", help="Why; kept with the changeset.")
@click.pass_obj
def remove(settings: Settings, layer_id: str, files: tuple[int, ...], reason: str | None) -> None:
    """Show rasters no more. They stay for who asks what was known before."""
    with city_store(settings) as store:
        layer = _coverage(Catalogue(store), layer_id)
        seq = withdraw_coverage_files(store, layer, files, operator().name, reason)
    Teller().say(f"{len(files)} raster(s) of {layer.id} withdrawn; changeset {seq}", f"已撤下 {layer.id} 的 {len(files)} 个栅格；变更集 {seq}")


def add_raster(store: Store, catalogue: Catalogue, layer: Layer, var: Path, file: Path, span: Span, replaces: tuple[int, ...] = (),
               attribution: str | None = None, nodata: float | None = None, anywhere: bool = False, reason: str | None = None,
               progress: Callable[[str, int, int], None] | None = None) -> tuple[int, str]:
    """Take a raster in and show it; return the number of the changeset and the name that it is kept under.

    Raises Rejected with the reasons, InvalidParameter or NotFound; then nothing of it is left.
    """
    kind = "elevation" if (layer.coverage or {}).get("kind") == "elevation" else "image"
    raster = take_in(file, var, layer.id, kind, None if anywhere else catalogue.city.extent, nodata, progress)
    path = Path(raster.path).resolve().relative_to(var.resolve()).as_posix()
    try:
        seq = add_coverage_file(store, layer, path, span, raster.envelope, facts_of(raster, attribution), operator().name, reason, replaces,
                                {"file": file.name})
    except BaseException:
        Path(raster.path).unlink(missing_ok=True)
        raise
    return seq, path


def _coverage(catalogue: Catalogue, layer_id: str) -> Layer:
    layer = catalogue.layer(layer_id)
    if layer.kind != "coverage":
        raise InvalidParameter("layer", f"'{layer_id}' is no coverage; its features are imported with 'gis import'",
                               f"“{layer_id}”不是栅格图层；要素请用 gis import 导入")
    return layer


def _span(text: str | None) -> Span:
    """Read a span of time; a single year, month or day is that long."""
    if text is None:
        return None, None
    at, interval = parse_datetime(text if "/" in text else f"{text}/{text}", "valid")
    if interval is None:
        raise InvalidParameter("valid", f"'{text}' is no span of time; write 2020/2021, 2020-05-01/.. or 2020")
    return interval


def _day(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d}" if at else ".."


def _bars(teller: Teller, bars: Progress) -> Callable[[str, int, int], None]:
    tasks = {}

    def tell(step: str, done: int, total: int) -> None:
        if step not in tasks:
            tasks[step] = bars.add_task(teller.text(*STEPS[step]), total=total)
        bars.update(tasks[step], completed=done, total=total)

    return tell
