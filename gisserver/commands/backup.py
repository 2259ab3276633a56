"""`gis backup`: the whole city in one file."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from config.settings import Settings
from gisserver.ops.backup import save
from gisserver.ops.database import city_store
from gisserver.ops.saying import Teller

__all__ = ["command"]


@click.command()
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))
@click.pass_obj
def command(settings: Settings, file: Path | None) -> None:
    """Write a backup of the city to FILE (default: var/backups/<time>.dump) while it is in use. 备份。

    It holds every version of every feature, the changesets, accounts and the audit. It is checked before it gets its name.
    Imagery and elevation are files under var/coverages, to be copied beside it.
    """
    path = file or settings.var / "backups" / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}.dump"
    with city_store(settings) as store:
        done = save(store.dsn, path)
    teller, rasters = Teller(), settings.var / "coverages"
    teller.say(f"{done.path}: {done.tables} tables, {done.size / 1e6:.1f} MB", f"{done.path}：{done.tables} 张表，{done.size / 1e6:.1f} MB")
    if rasters.is_dir() and any(rasters.iterdir()):
        teller.say(f"Imagery and elevation are files of their own; copy {rasters} beside it.",
                   f"影像与高程另为文件，请一并复制 {rasters}。")
