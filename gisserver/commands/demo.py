"""`gis demo`: the demo city, made by the project's own code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from config.settings import Settings
from gisserver.exit_codes import ExitCode
from gisserver.ops.database import city_store
from gisserver.ops.saying import Teller
from layers.catalogue import Catalogue
from layers.coverages import add_coverage_file
from layers.demo.imagery import FLIGHTS
from layers.demo.load import load
from layers.errors import InvalidParameter
from layers.history import current_seq
from layers.moments import parse_moment
from layers.store import Store
from tiles.coverage_intake import facts_of
from tiles.coverages import base_file, describe_file

__all__ = ["command"]


@click.command()
@click.option("--if-empty", is_flag=True, help="Do nothing, and say so, where the city has data already.")
@click.option("--seed", type=int, default=42, show_default=True, help="The same seed makes the same city.")
@click.pass_obj
def command(settings: Settings, if_empty: bool, seed: int) -> int:
    """Load the demo city into an empty store. 装载示范城市。"""
    teller = Teller()
    with city_store(settings) as store:
        catalogue = Catalogue(store)
        if current_seq(store):
            if not if_empty:
                raise InvalidParameter("GIS_VAR", "this city has data already; the demo city goes into an empty one")
            teller.say("The city has data already; the demo city is not loaded.", "库中已有数据，不装载示范城市。")
            return ExitCode.OK
        with Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
                      console=teller.console,
                      transient=not teller.console.is_terminal) as progress:
            done = load(store, catalogue, catalogue.city, settings.var, _bars(progress), seed)
        _show_imagery(store, catalogue, settings.var)
    features = sum(done["features"].values())
    teller.say(f"Demo city: {features:,} features in {len(done['features'])} layers, {len(done['changesets'])} changesets.",
               f"示范城市：{len(done['features'])} 个图层，{features:,} 个要素，{len(done['changesets'])} 个变更集。")
    return ExitCode.OK


def _show_imagery(store: Store, catalogue: Catalogue, var: Path) -> None:
    """Show each of the city's pictures for its years."""
    layer = catalogue.layers.get("imagery")
    source = base_file(var, layer) if layer else None
    if layer is None or source is None:
        return
    for flight in FLIGHTS:
        path = source if flight is FLIGHTS[-1] else source.with_name(flight.name)
        raster = describe_file(path)
        if raster is not None:
            first, last = (parse_moment(str(year)) if year else None for year in (flight.first, flight.last))
            add_coverage_file(store, layer, path.relative_to(var.resolve()).as_posix(), (first.at if first else None, last.end if last else None),
                              raster.envelope, facts_of(raster, "示范市 Demo City"), "demo", f"{flight.day.astype('datetime64[Y]')} 年影像 Imagery of that year")


def _bars(progress: Progress) -> Callable[[str, int, int], None]:
    """Return a function that draws one bar per label."""
    bars: dict[str, TaskID] = {}

    def tell(label: str, done: int, total: int) -> None:
        if label not in bars:
            bars[label] = progress.add_task(label, total=total)
            if not progress.console.is_terminal:
                # a log has no moving bars; it is told each step once
                progress.console.print(label, markup=False)
        progress.update(bars[label], completed=done, total=total)

    return tell
