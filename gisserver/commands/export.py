"""`gis export`: the features of a layer as a file."""

from __future__ import annotations

import os
from pathlib import Path

import click

from config.settings import Settings
from gisserver.ops.database import city_store
from gisserver.ops.operator import operator
from gisserver.ops.saying import Teller
from layers.access import OWNER
from layers.audit import record
from layers.catalogue import Catalogue
from layers.errors import InvalidParameter
from layers.export import FORMATS, export
from layers.filters import parse_filter
from layers.moments import parse_datetime
from layers.query import ItemQuery

__all__ = ["command"]


@click.command()
@click.argument("layer_id", metavar="LAYER")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--format", "file_format", type=click.Choice(list(FORMATS)), help="Otherwise by the ending of FILE.")
@click.option("--filter", "condition", metavar="CQL2", help="Only features of which this holds: \"height_m > 50 AND use = 'office'\".")
@click.option("--bbox", metavar="MINX,MINY,MAXX,MAXY", help="Only features in this rectangle, in degrees.")
@click.option("--at", "moment", metavar="TIME", help="The city as it was then: 2014, 2014-06-30, 2014/2016. Otherwise: now.")
@click.option("--known-at", type=click.IntRange(0), metavar="SEQ", help="What was known at this changeset.")
@click.option("--fields", metavar="A,B,…", help="Only these fields.")
@click.option("--crs", metavar="EPSG:n", default="EPSG:4326", show_default=True, help="CRS of the file's coordinates, x (east) first.")
@click.option("--limit", type=click.IntRange(1), help="At most so many.")
@click.pass_obj
def command(settings: Settings, layer_id: str, file: Path, file_format: str | None, condition: str | None, bbox: str | None,
            moment: str | None, known_at: int | None, fields: str | None, crs: str, limit: int | None) -> None:
    """Export the features of a layer to GeoPackage, GeoParquet, GeoJSON or CSV. 将图层导出为文件。"""
    folder = file.absolute().parent
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise InvalidParameter("FILE", f"nothing can be written in the folder {folder}; name one that is there and that this account may write")
    with city_store(settings) as store:
        layer = Catalogue(store).layer(layer_id)
        at, interval = parse_datetime(moment, "at") if moment else (None, None)
        names = tuple(name.strip() for name in fields.split(",")) if fields else None
        for name in names or ():
            if name not in layer.by_name:
                raise InvalidParameter("fields", f"layer '{layer.id}' has no field '{name}'; it has {', '.join(layer.by_name)}")
        # Noted before anything leaves, personal fields included: who runs this sees all.
        record(store, operator(), "export", layer=layer.id, detail={
            "file": file.name, "fields": names, "filter": condition, "bbox": bbox, "at": moment, "known_at": known_at, "limit": limit})
        count = export(store, ItemQuery(layer, OWNER, bbox=_box(bbox) if bbox else None, at=at, interval=interval, known_at=known_at,
                                        filter=parse_filter(condition) if condition else None, fields=names, limit=limit,
                                        srid=_srid(crs)), file, file_format)
    Teller().say(f"{count} features of {layer.id} written to {file}", f"已将 {layer.id} 的 {count} 个要素写入 {file}")


def _box(text: str) -> tuple[float, float, float, float]:
    try:
        minx, miny, maxx, maxy = map(float, text.split(","))
    except ValueError:
        raise InvalidParameter("bbox", f"'{text}' is no rectangle; write four numbers: minx,miny,maxx,maxy") from None
    return minx, miny, maxx, maxy


def _srid(text: str) -> int:
    authority, _, code = text.rpartition(":")
    if authority.upper() not in ("", "EPSG") or not code.isdecimal():
        raise InvalidParameter("crs", f"'{text}' is no EPSG code; write EPSG:4490 for instance")
    return int(code)
