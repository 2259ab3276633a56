"""`gis tiles3d`: a layer's 3D tiles written as a folder or an archive, to be published or handed on."""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from config.settings import Settings
from gisserver.context import Context
from gisserver.identity import LAYERS, ROLES
from gisserver.ogc.tiles3d import scene_of
from gisserver.ops.database import city_dsn
from gisserver.ops.operator import operator
from gisserver.ops.saying import Teller
from layers.access import Audience, ensure_audience
from layers.audit import record
from layers.catalogue import Catalogue
from layers.errors import Forbidden, InvalidParameter, UnknownLayer
from layers.layer import read_layers
from layers.moments import parse_datetime
from layers.query import ItemQuery
from layers.roles import read_roles
from layers.store import Store
from tiles.tileset3d_archive import RECORD, Made, pack, write_tileset
from tiles.tileset3d_content import Scene

__all__ = ["command"]


@click.command()
@click.argument("layer_id", metavar="LAYER")
@click.argument("to", type=click.Path(path_type=Path))
@click.option("--at", "moment", metavar="TIME", help="The city as it was then: 2014-06-30, or 1985/.. for a client that plays history. "
              "Otherwise: now.")
@click.option("--role", help="For readers of this role; otherwise for the public.")
@click.option("--districts", metavar="A,B,…", help="The districts of such readers; otherwise all.")
@click.option("--confidential", is_flag=True, help="Make it also of what the public does not see.")
@click.option("--threads", type=click.IntRange(1, 64), default=os.cpu_count() or 1, show_default=True, help="Tiles made at once.")
@click.pass_obj
def command(settings: Settings, layer_id: str, to: Path, moment: str | None, role: str | None, districts: str | None, confidential: bool,
            threads: int) -> None:
    """Write a layer's 3D tiles to a folder, or to an archive if TO ends in .3tz. 将图层的三维瓦片写入目录或 .3tz 归档。

    The same command goes on where it was stopped or killed, and later makes only what was edited since.
    """
    teller = Teller()
    store = Store(city_dsn(settings), max_connections=threads + 2)
    try:
        catalogue = Catalogue(store)
        roles = read_roles(ROLES, {**read_layers(LAYERS), **catalogue.layers})
        name = role or roles.public
        if name not in roles.roles:
            raise InvalidParameter("role", f"there is no role '{name}'; there are: {', '.join(roles.roles)}")
        within = tuple(part.strip() for part in districts.split(",")) if districts else None if role else ()
        audience = ensure_audience(store, catalogue.layers, roles.grants(catalogue.layers, [name], within))
        if not audience.may_read(layer_id):
            raise UnknownLayer(layer_id)
        at, interval = parse_datetime(moment, "at") if moment else (None, None)
        context = Context(settings, store, catalogue)
        query = ItemQuery(catalogue.layer(layer_id), audience, at=at, interval=interval)
        public = ensure_audience(store, catalogue.layers, roles.grants(catalogue.layers, [roles.public], ()))
        readers = name + (f" ({districts})" if districts else "")
        _check(scene_of(context, query), public, readers, confidential)
        is_archive = to.suffix == ".3tz"
        folder = to.with_name(f"{to.name}.part") if is_archive else to
        if is_archive:
            _check_archive(to, audience)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
        with Progress(*columns, console=teller.console, transient=True) as progress:
            bar = progress.add_task(teller.text("3D tiles", "三维瓦片"), total=None)

            def write(version: int) -> Made:
                scene = scene_of(context, replace(query, layer=catalogue.layer(layer_id)))
                _check(scene, public, readers, confidential)
                definitions = ",".join(f"{each.id}:{catalogue.drawn[each.id]}" for each in scene.shown)
                found = write_tileset(store, scene, folder, threads, lambda done, total: progress.update(bar, completed=done, total=total), definitions)
                catalogue.require(version)
                return found

            made = context.by_standing(write)
        if is_archive:
            pack(folder, to)
            shutil.rmtree(folder)
        record(store, operator(), "export", layer=layer_id, detail={"file": to.name, "audience": readers, "at": moment, "tiles": made.contents})
        teller.say(f"{made.contents:,} 3D tiles with {made.features:,} features in {to}, {made.made:,} of them made now, as of changeset "
                   f"{made.seq}, for: {readers}",
                   f"{to} 中有 {made.contents:,} 个三维瓦片、{made.features:,} 个要素，本次生成 {made.made:,} 个，截至变更集 {made.seq}，适用范围：{readers}")
    finally:
        store.close()


def _check(scene: Scene, public: Audience, readers: str, is_confidential: bool) -> None:
    """Refuse files that would show more than the public sees, unless that was asked for."""
    audience = scene.query.audience
    shown = [each.id for each in scene.shown]
    hidden = [each for each in shown if audience.layer_key(each) != public.layer_key(each)]
    if hidden and not is_confidential:
        raise Forbidden(f"Files know no reader: whoever has them sees what '{readers}' sees, and the public does not see "
                        f"{', '.join(hidden)} so. Say --confidential if that is wanted.",
                        f"文件不区分读者：持有者可见“{readers}”所见内容，而公众不可见：{', '.join(hidden)}。确需如此请加 --confidential。")


def _check_archive(file: Path, audience: Audience) -> None:
    """Refuse to put an archive in the place of one for other readers."""
    if not file.exists():
        return
    try:
        with zipfile.ZipFile(file) as archive:
            there = json.loads(archive.read(RECORD)).get("audience")
    except (zipfile.BadZipFile, KeyError, ValueError):
        raise InvalidParameter("to", f"{file.name} is no archive of ours; name another file.") from None
    if there != audience.fingerprint:
        raise Forbidden(f"{file.name} was made for another audience ({there}); name another file, or remove it first.",
                        f"{file.name} 是为其他读者（{there}）制作的；请另选文件名或先删除。")
