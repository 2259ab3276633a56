"""Archives of tiles to publish: for whom one may be made, and what it says of itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from layers.access import Audience
from layers.city import City
from layers.errors import Forbidden, InvalidParameter
from layers.layer import Layer
from tiles.archive import Described, read_metadata, write_archive
from tiles.cache import CachedTile
from tiles.grid import TileAddress
from tiles.seeding import Area, Product
from tiles.shared_store import SharedStore
from tiles.symbology import tilejson

__all__ = ["Publication", "check_archive", "publish"]

AUDIENCE = "gis:audience"


@dataclass(frozen=True)
class Publication:
    """What an archive holds: layers as an audience sees them; `name` is what the audience is called."""

    audience: Audience
    name: str
    layers: tuple[Layer, ...]
    media_type: str


def check_archive(file: Path, wanted: Publication, public: Audience, is_confidential: bool, grid: str) -> None:
    """Refuse an archive that would show more than it says.

    Raises Forbidden where it holds what the public does not see and nobody asked for that, or where the file is there already for another
    audience; InvalidParameter for another grid, no layers or a file of another kind.
    """
    if grid != "WebMercatorQuad":
        raise InvalidParameter("grid", "PMTiles archives are in WebMercatorQuad alone", "PMTiles 仅支持 WebMercatorQuad 格网")
    if not wanted.layers:
        raise InvalidParameter("layers", "there is no layer to publish", "没有可发布的图层")
    hidden = [layer.id for layer in wanted.layers if wanted.audience.layer_key(layer.id) != public.layer_key(layer.id)]
    if hidden and not is_confidential:
        raise Forbidden(f"An archive knows no reader: whoever has the file sees what '{wanted.name}' sees, and the public does not see "
                        f"{', '.join(hidden)} so. Say --confidential if that is wanted.",
                        f"归档文件不区分读者：持有者可见“{wanted.name}”所见内容，而公众不可见：{', '.join(hidden)}。确需如此请加 --confidential。")
    if file.exists():
        try:
            there = read_metadata(file).get(AUDIENCE)
        except ValueError as error:
            raise InvalidParameter("to", f"{error}; name another file") from None
        if there != wanted.audience.fingerprint:
            raise Forbidden(f"{file.name} was made for another audience ({there}); name another file, or remove it first.",
                            f"{file.name} 是为其他读者（{there}）制作的；请另选文件名或先删除。")


def publish(file: Path, disk: SharedStore, work: tuple[Product, Area], wanted: Publication, city: City, seq: int) -> int:
    """Write the archive from the tiles that were made for it, and remove those; return how many it holds.

    Raises InvalidParameter where all of them are empty.
    """
    product, area = work

    def tile_at(address: TileAddress) -> CachedTile | None:
        return disk.get(product.key(address), seq)

    vector_layers = [entry for layer in wanted.layers for entry in tilejson(layer, wanted.audience, "")["vector_layers"]]
    metadata = {
        "name": city.title.zh, "description": f"{city.title.zh} / {city.title.en}", "type": "overlay", "version": str(seq),
        **({"vector_layers": vector_layers} if wanted.media_type.endswith("vector-tile") else {}),
        AUDIENCE: wanted.audience.fingerprint, "gis:readers": wanted.name, "gis:layers": [layer.id for layer in wanted.layers],
        "gis:seq": seq, "gis:made_at": datetime.now(UTC).isoformat(timespec="seconds")}
    zoom = min(max(round(city.zoom), area.first), area.last)
    minx, miny, maxx, maxy = area.envelope
    center = city.center if minx < city.center[0] < maxx and miny < city.center[1] < maxy else ((minx + maxx) / 2, (miny + maxy) / 2)
    try:
        count = write_archive(file, area.addresses(product.min_zoom), tile_at, wanted.media_type,
                              Described(area.envelope, center, zoom, metadata))
    except ValueError as error:
        raise InvalidParameter("to", f"there is nothing to publish: {error}", "没有可发布的内容：所有瓦片均为空") from None
    disk.close()
    for end in ("", "-wal", "-shm"):
        Path(f"{disk.path}{end}").unlink(missing_ok=True)
    return count
