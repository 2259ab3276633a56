"""`gis bench`: how fast the city reads and answers, beside the limit of each."""

from __future__ import annotations

import importlib

import click

from config.settings import Settings
from gisserver.ops.database import city_dsn
from gisserver.ops.preparation import prepare_store
from layers.catalogue import Catalogue
from layers.store import Store, drop_database, make_database

__all__ = ["command"]

DATABASE = "gis_bench"


@click.command()
@click.argument("what", type=click.Choice(["all", "reading", "serving", "tiles", "pictures"]), default="all")
@click.option("--buildings", type=click.IntRange(10_000, 10_000_000), default=1_000_000, show_default=True, help="How many are made.")
@click.option("--keep", is_flag=True, help="Keep the measured database for the next time.")
@click.option("--tipg", metavar="PYTHON", type=click.Path(exists=True, dir_okay=False), help="A Python that has tipg, to be measured beside the vector tiles.")
@click.pass_obj
def command(settings: Settings, what: str, buildings: int, keep: bool, tipg: str | None) -> None:
    """Measure on a database of its own, with data made for it. 测量性能。

    Every line is the median of ours, the median of what it is compared with, and the median of the ratios of rounds that
    take turns, in milliseconds unless it says otherwise. `docs/performance.md` tells what the ratios should be.
    """
    server = city_dsn(settings)
    reading = importlib.import_module("benchmarks.reading")
    store = Store(make_database(server, DATABASE))
    try:
        prepare_store(store, settings.city)
        if "bench_building" not in Catalogue(store).layers:
            click.echo(f"Making {buildings:,} buildings …", err=True)
            reading.fill(store, buildings)
        rows = []
        for name in ("reading", "serving", "tiles", "pictures"):
            if what in ("all", name):
                rows += importlib.import_module(f"benchmarks.{name}").run(store, **({"tipg": tipg} if name == "pictures" else {}))
    finally:
        store.close()
    click.echo("| what | ours | compared with | ratio |\n| --- | ---: | ---: | ---: |")
    for row in rows:
        click.echo(f"| {row.name} | {row.ours_ms:,.3f} | {row.bare_ms:,.3f} | {row.ratio:.2f} |")
    if not keep:
        drop_database(server, DATABASE)
