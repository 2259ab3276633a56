"""A layer's 3D tiles as files: a folder that any web server can serve, or a 3TZ archive of it.

What is there is not made again. The folder says for whom it is, of which moment, and from which changeset; made again later, only the
cells that were touched since are.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from layers.errors import Forbidden, InvalidParameter
from layers.history import came_true, current_seq, touched_since
from layers.store import Store
from tiles.grid import Envelope, TileAddress
from tiles.tileset3d import band_of, cell_tileset, city_tileset, roots_of
from tiles.tileset3d_cells import Cell
from tiles.tileset3d_content import Scene, content

__all__ = ["RECORD", "Made", "Record", "pack", "read_record", "write_tileset"]

RECORD = "gis.json"
# What the files look like; another edition makes all of them again.
EDITION = 2
SRID = 3857
INDEX = "@3dtilesIndex1@"
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Record:
    """What a folder says of itself: for whom and of what it is, the changeset that all of its files know, and by which definitions they
    were made."""

    audience: str
    layer: str
    moment: str
    edition: int
    seq: int
    made_at: str
    definitions: str = ""


@dataclass(frozen=True)
class Made:
    """How many contents a folder holds, how many of them were made now, how many features are in them, and their changeset."""

    contents: int
    made: int
    features: int
    seq: int


def read_record(folder: Path) -> Record | None:
    """Return what a folder says of itself, None for one that holds no tiles of ours. Raises InvalidParameter where it holds other files."""
    path = folder / RECORD
    if not path.exists():
        if folder.exists() and any(folder.iterdir()):
            raise InvalidParameter("to", f"{folder.name} holds other files; name a new folder.", f"{folder.name} 中有其他文件；请指定新的目录。")
        return None
    try:
        return Record(**json.loads(path.read_text("utf-8")))
    except (ValueError, TypeError) as error:
        raise InvalidParameter("to", f"{RECORD} in {folder.name} cannot be read ({error}); remove the folder.",
                               f"{folder.name} 中的 {RECORD} 无法读取（{error}）；请删除该目录。") from None


def write_tileset(store: Store, scene: Scene, folder: Path, threads: int = 1, progress: Progress | None = None, definitions: str = "") -> Made:
    """Bring a folder to what the store knows.

    `definitions` names those that the scene's layers were read by: what was made by others is made again.

    Raises Forbidden where it is for other readers, InvalidParameter where it is of another layer or moment.
    """
    now, seq = datetime.now(UTC), current_seq(store)
    wanted = Record(scene.query.audience.fingerprint, scene.query.layer.id, _moment(scene), EDITION, seq, now.isoformat(), definitions)
    there = read_record(folder)
    if there is not None and there.audience != wanted.audience:
        raise Forbidden(f"{folder.name} was made for another audience ({there.audience}); name another folder.",
                        f"{folder.name} 是为其他读者（{there.audience}）制作的；请指定其他目录。")
    if there is not None and (there.layer, there.moment) != (wanted.layer, wanted.moment):
        raise InvalidParameter("to", f"{folder.name} holds {there.layer} of {there.moment}; name another folder.",
                               f"{folder.name} 中是 {there.moment} 的 {there.layer}；请指定其他目录。")
    stale: list[Envelope | None]
    if there is None:
        _write(folder / RECORD, json.dumps(asdict(wanted)).encode())
        stale = []
    elif (there.edition, there.definitions) != (EDITION, definitions):
        # What it says of itself stands until all is made again.
        stale = [None]
    else:
        stale = _touched(store, scene, there, now)
    kept = _contents(store, scene, folder, stale, threads, progress)
    _write(folder / "tileset.json", json.dumps(city_tileset(scene.city, lambda a, form: f"{a.z}/{a.y}/{a.x}.{form}")).encode())
    _write(folder / RECORD, json.dumps(asdict(wanted)).encode())
    return replace(kept, seq=seq)


def _moment(scene: Scene) -> str:
    at, interval, known = scene.query.at, scene.query.interval, scene.query.known_at
    text = at.isoformat() if at else "/".join(".." if t is None else t.isoformat() for t in interval) if interval else "now"
    return text if known is None else f"{text} known at {known}"


def _touched(store: Store, scene: Scene, there: Record, now: datetime) -> list[Envelope | None]:
    """Return where something changed since a folder was made; None is everywhere."""
    _, touches = touched_since(store, there.seq, SRID)
    shown = [each.id for each in scene.shown]
    found: list[Envelope | None] = [t.envelope for t in touches if t.layer in shown and (t.envelope is not None or t.layer != scene.query.layer.id)]
    if scene.query.at is None and scene.query.interval is None:
        came = [came_true(store, layer, datetime.fromisoformat(there.made_at), now, SRID) for layer in shown]
        found += [each for each in came if each]
    return found


def _contents(store: Store, scene: Scene, folder: Path, stale: list[Envelope | None], threads: int, progress: Progress | None) -> Made:
    cells: list[Cell] = []
    paths = {folder / RECORD, folder / "tileset.json"}
    for root in roots_of(scene.city):
        document, _, found = cell_tileset(store, scene, root, lambda a, form: f"../../{a.z}/{a.y}/{a.x}.{form}")
        path = _path(folder, root, "json")
        _write(path, json.dumps(document).encode())
        paths.add(path)
        cells += found
    paths |= {_path(folder, cell.address, "glb") for cell in cells}
    for left in [path for path in folder.rglob("*") if path.is_file() and path not in paths]:
        left.unlink()

    def make(cell: Cell) -> bool:
        path, band = _path(folder, cell.address, "glb"), band_of(scene, cell.address)
        if band is None or (path.exists() and not any(each is None or _meet(each, cell.address.envelope) for each in stale)):
            return False
        _write(path, content(store, scene, cell.address, band).body)
        return True

    made = 0
    with ThreadPoolExecutor(threads) as pool:
        for done, is_new in enumerate(pool.map(make, cells), 1):
            made += is_new
            if progress:
                progress(done, len(cells))
    return Made(len(cells), made, sum(cell.features for cell in cells), 0)


def _path(folder: Path, address: TileAddress, form: str) -> Path:
    return folder / str(address.z) / str(address.y) / f"{address.x}.{form}"


def _meet(a: Envelope, b: Envelope) -> bool:
    return a[0] <= b[2] and b[0] <= a[2] and a[1] <= b[3] and b[1] <= a[3]


def _write(path: Path, body: bytes) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    partial.write_bytes(body)
    partial.replace(path)


def pack(folder: Path, file: Path) -> int:
    """Pack a folder of tiles as a 3TZ archive; return how many files it holds.

    An index of the names' hashes is its last entry, by which clients find a file without reading the list of all.
    """
    partial = file.with_name(f"{file.name}.tmp")
    entries: list[tuple[bytes, int]] = []
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for path in sorted(each for each in folder.rglob("*") if each.is_file()):
            name = path.relative_to(folder).as_posix()
            archive.write(path, name)
            entries.append((hashlib.md5(name.encode(), usedforsecurity=False).digest(), archive.getinfo(name).header_offset))
        # Compared as two numbers of 64 bits, the first bytes being the lowest.
        entries.sort(key=lambda entry: struct.unpack("<QQ", entry[0]))
        archive.writestr(zipfile.ZipInfo(INDEX), b"".join(digest + struct.pack("<Q", offset) for digest, offset in entries),
                         zipfile.ZIP_STORED)
    partial.replace(file)
    return len(entries)
