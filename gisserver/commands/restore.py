"""`gis restore`: a backup in the place of the present city."""

from __future__ import annotations

from pathlib import Path

import click

from config.settings import Settings
from gisserver.ops.backup import restore
from gisserver.ops.city_cluster import make_cluster, read_cluster
from gisserver.ops.preparation import prepare_store
from gisserver.ops.run_record import Run
from gisserver.ops.saying import Teller
from layers.errors import InvalidParameter
from layers.store import Store

__all__ = ["command"]


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def command(settings: Settings, file: Path, yes: bool) -> None:
    """Replace the city of the private cluster by the backup FILE. The city must not be running. 恢复备份。"""
    if settings.database_url is not None:
        raise InvalidParameter("GIS_DATABASE_URL", "this database is not ours to replace; restore the file with pg_restore")
    teller = Teller()
    if not yes:
        click.confirm(teller.text(f"Replace the city in {settings.var} by {file}?", f"用 {file} 替换 {settings.var} 中的城市？"), abort=True)
    with Run(settings.var, "") as run:
        run.begin()
        cluster = read_cluster(settings.var) or make_cluster(settings.var)
        started = cluster.start()
        try:
            tables = restore(cluster, file, lambda dsn: _prepare(dsn, settings.city))
        finally:
            if started is not None:
                cluster.stop()
    teller.say(f"Restored: {tables} tables.", f"已恢复 {tables} 张表。")


def _prepare(dsn: str, city: Path) -> None:
    store = Store(dsn, max_connections=2)
    try:
        prepare_store(store, city)
    finally:
        store.close()
