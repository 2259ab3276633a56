"""Tiles on disk, shared by the server processes of a city: one SQLite file in WAL mode.

Expiry is by the same numbers as in memory. The store has a watermark of its own, `seq`: every changeset up to it was applied to
what the store holds. A process applies what it hears before it says that it has heard it, so the store is never behind
a process that reads from it; where it is (it was away, its disk was full), it gives nothing. A tile is taken in only from a process
that has expired at least as far as the store, so that no late fill brings an old tile back.

What goes wrong with it never goes wrong for who asks: a file that is no database any more is begun anew, an entry that is not what
was written is dropped, and where the disk is full the store is away for a while. Each is said in the log.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Any
from urllib.parse import quote

from isal import isal_zlib

from tiles.cache import CachedTile, Span, TileKey, etag_of, margin_of, margins, met
from tiles.grid import Envelope, Grid
from tiles.shared_file import SQL, SharedFile

__all__ = ["Mark", "SharedStore", "Touched"]

LOGGER = logging.getLogger(__name__)
# Waiting for another writer: a fill rather goes without, an expiry waits.
PUT_WAIT_MS, EXPIRE_WAIT_MS = 200, 10_000
AWAY_S = 60.0
ROW_BYTES = 400
# Noted so often that a tile is in use, at most.
USED_S = 3600
_GZIP_WINDOW = 31
_1970 = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Mark:
    """What a process knows: its watermark, when that changeset was recorded, when it looked at the clock."""

    seq: int
    stamp: str
    clock: datetime


@dataclass(frozen=True)
class Touched:
    """What a changeset touched of a layer, or (with `at`) what the clock did; the envelope in Web Mercator, None is everywhere."""

    seq: int
    layer: str
    envelope: Envelope | None
    span: Span | None
    at: datetime | None = None


class SharedStore:
    """The tiles in one file. Every method may be called from any thread; none raises for what is wrong with the file.

    Parameters
    ----------
    path
        The file; its folder is made where it is missing.
    max_bytes
        What tiles may weigh together; those not used for longest go first. The file is a little larger.
    edition
        Names the program that makes tiles: those of another one are not given.
    pages
        The most pages that the file may have, for tests of a full disk.
    """

    def __init__(self, path: Path, max_bytes: int, edition: str = "", pages: int | None = None) -> None:
        self.path, self.max_bytes, self.edition = path, max_bytes, edition
        self.hits = self.misses = self.expired = 0
        # Why nothing is kept just now.
        self.trouble: str | None = None
        self.file = SharedFile(path, self._set_all, pages)
        self._away_until = 0.0
        self._grids: dict[str, Grid] = {}
        self._versions: Mapping[str, int] = {}
        self._here: Mark | None = None
        self._used: dict[int, int] = {}

    def know(self, grids: Iterable[Grid], versions: Mapping[str, int]) -> None:
        """Say which grids there are and which definition of each layer holds: tiles of another definition are not found any more."""
        self._grids, self._versions = {_grid_name(grid): grid for grid in grids}, dict(versions)

    def open(self, here: Mark, stamp_of: Callable[[int], str | None]) -> Mark | None:
        """Open the file for a process and return how far it is; a new one is as far as the process. None where it is away.

        `stamp_of` tells when a changeset was recorded, None where there is none: a store of another database, or of one that
        was restored to an earlier day, is begun anew.
        """
        self._here = here
        with self._faults("open"):
            marks = self._marks()
            seq = marks["seq"]
            if marks["edition"] != self.edition or marks["stamp"] != stamp_of(seq):
                self._empty()
                marks = self._marks()
            # Nothing is given before the process has brought it this far.
            self._here = replace(here, clock=_moment(marks["clock"]))
            return Mark(marks["seq"], marks["stamp"], _moment(marks["clock"]))
        return None

    def close(self) -> None:
        self.file.close()

    def get(self, key: TileKey, at_least: int = 0) -> CachedTile | None:
        """Return a tile that holds as of changeset `at_least` or a later one, whose number is its own; else None."""
        here = self._here
        if here is None or time.monotonic() < self._away_until:
            return None
        with self._faults("get"):
            with self.file.reading() as connection:
                row = connection.execute(SQL["get"], (self._digest(key),)).fetchone()
            if row is None or row[8] < max(at_least, here.seq) or row[9] < _microseconds(here.clock):
                self.misses += 1
                return None
            tile = _unpacked(row)
            if tile is None:
                LOGGER.warning("tiles on disk: %s in %s is not what was written; it is dropped", key.address, self.path)
                self._remove(key)
                return None
            self.hits += 1
            if time.time() - row[3] > USED_S:
                self._used[row[0]] = int(time.time())
            return replace(tile, seq=max(row[1], row[8]))
        return None

    def has(self, key: TileKey) -> bool:
        """Is a tile there? Nothing is read of it."""
        if self._here is None or time.monotonic() < self._away_until:
            return False
        with self._faults("get"), self.file.reading() as connection:
            return connection.execute(SQL["has"], (self._digest(key),)).fetchone() is not None
        return False

    def put(self, key: TileKey, tile: CachedTile, seq: int) -> bool:
        """Keep a tile that no changeset up to `seq` expired; tell whether it is kept."""
        return self.put_all([(key, tile)], seq) == 1

    def put_all(self, tiles: Iterable[tuple[TileKey, CachedTile]], seq: int) -> int:
        """Keep tiles in one transaction; return how many were."""
        here, kept = self._here, 0
        if here is None or time.monotonic() < self._away_until:
            return 0
        with self._faults("put"), self.file.transaction(PUT_WAIT_MS) as connection:
            marks = dict(connection.execute(SQL["marks"]))
            if seq < marks["seq"]:
                return 0
            more, now = 0, int(time.time())
            for key, tile in tiles:
                made_at, name = _microseconds(tile.made_at), _grid_name(key.address.grid)
                is_late = made_at < max([marks["begun"], *(marks.get(f"true:{layer}", 0) for layer in key.layers)])
                if name not in self._grids or (is_late and key.moment is None and key.known_at is None):
                    continue
                row = _packed(key, tile) | {"key": self._digest(key), "grid": name, "made_at": made_at, "used": now}
                more -= sum(weight for weight, in connection.execute(SQL["remove"], (row["key"],)))
                connection.execute(SQL["put"], row)
                if f"grid:{name}" not in marks:
                    marks[f"grid:{name}"] = 1
                    connection.execute(SQL["set_mark"], (f"grid:{name}", 1))
                more += row["weight"]
                kept += 1
            used, self._used = self._used, {}
            connection.executemany(SQL["use"], [(at, number) for number, at in used.items()])
            total = marks["bytes"] + more
            while total > self.max_bytes and (weights := connection.execute(SQL["oldest"]).fetchall()):
                total -= sum(weight for weight, in weights)
            connection.execute(SQL["set_mark"], ("bytes", total))
        return kept

    def apply(self, mark: Mark, touched: Iterable[Touched], since: int, now: datetime) -> bool:
        """Drop what changesets or the clock touched, and say how far the store is now. Tell whether that went well.

        `touched` is all that changesets after `since` up to the mark's touched, and all that came true between the clock of the mark
        that this process applied before, and the mark's. `now` decides which changes are of the present.
        """
        before = self._here
        if before is None or time.monotonic() < self._away_until:
            self._here = mark
            return True
        with self._faults("expire"), self.file.transaction(EXPIRE_WAIT_MS) as connection:
            marks, freed = dict(connection.execute(SQL["marks"])), 0
            for touch in touched:
                if touch.at is not None:
                    connection.execute(SQL["raise_mark"], (f"true:{touch.layer}", _microseconds(touch.at)))
                elif touch.seq <= marks["seq"]:
                    continue
                freed += self._expire(connection, touch, now)
            for name in [mark[5:] for mark in marks if mark.startswith("grid:") and mark[5:] not in self._grids]:
                # Another process knows a grid that this one does not: nobody could say what was touched there.
                freed += sum(weight for weight, in connection.execute(SQL["remove_grid"], (name,)).fetchall())
            connection.execute(SQL["add_mark"], (-freed, "bytes"))
            if since <= marks["seq"] < mark.seq:
                connection.execute(SQL["set_mark"], ("seq", mark.seq))
                connection.execute(SQL["set_mark"], ("stamp", mark.stamp))
            if _microseconds(before.clock) <= marks["clock"] < _microseconds(mark.clock):
                connection.execute(SQL["set_mark"], ("clock", _microseconds(mark.clock)))
            self._here = mark
            return True
        self._here = replace(mark, clock=before.clock)
        return False

    def reached(self) -> Mark | None:
        """Return how far the store is; None where it is away."""
        if self._here is None or time.monotonic() < self._away_until:
            return None
        with self._faults("get"):
            marks = self._marks()
            return Mark(marks["seq"], marks["stamp"], _moment(marks["clock"]))
        return None

    def stats(self) -> dict[str, Any]:
        """Return tiles, bytes, watermark, hits, misses, how many were expired, and what is wrong (None: nothing)."""
        found: dict[str, Any] = {"tiles": 0, "bytes": 0, "seq": 0}
        if self._here is not None and time.monotonic() >= self._away_until:
            with self._faults("get"), self.file.reading() as connection:
                found["tiles"], found["bytes"] = connection.execute(SQL["total"]).fetchone()
                found["seq"] = dict(connection.execute(SQL["marks"]))["seq"]
        return found | {"hits": self.hits, "misses": self.misses, "expired": self.expired, "trouble": self.trouble}

    def look(self) -> dict[str, Any] | None:
        """Return tiles, bytes and watermark without opening it for a process; None where there is no file yet. Raises nothing:
        what is wrong stands under `trouble`."""
        if not self.path.exists():
            return None
        try:
            with closing(sqlite3.connect(f"file:{quote(str(self.path))}?mode=ro", uri=True, timeout=1)) as connection:
                tiles, weight = connection.execute(SQL["total"]).fetchone()
                return {"tiles": tiles, "bytes": weight, "seq": dict(connection.execute(SQL["marks"])).get("seq"), "trouble": None}
        except sqlite3.Error as error:
            return {"tiles": 0, "bytes": 0, "seq": None, "trouble": str(error)}

    def _expire(self, connection: sqlite3.Connection, touch: Touched, now: datetime) -> int:
        since, until = touch.span or (None, None)
        values: dict[str, Any] = {
            "layer": f",{touch.layer},", "seq": touch.seq, "is_always": touch.span is None,
            "since": _microseconds(since), "until": _microseconds(until), "at": _microseconds(touch.at),
            "is_now": (since is None or since <= now) and (until is None or now < until)}
        freed = 0
        for name, grid in self._grids.items():
            place = None if touch.envelope is None else touch.envelope if grid.srid == 3857 else grid.cover(touch.envelope, 3857)
            if touch.envelope is not None and place is None:
                continue
            for z, level in enumerate(grid.levels):
                for margin in margins(grid, z):
                    x0, x1, y0, y1 = (0, level.columns, 0, level.rows) if place is None else met(grid, z, place, margin)
                    weights = connection.execute(SQL["expire" if touch.at is None else "come_true"], values | {
                        "grid": name, "z": z, "margin": margin, "x0": x0, "x1": x1, "y0": y0, "y1": y1}).fetchall()
                    freed += sum(weight for weight, in weights)
                    self.expired += len(weights)
        return freed

    def _digest(self, key: TileKey) -> bytes:
        a, versions = key.address, [self._versions.get(layer) for layer in key.layers]
        text = repr((key.layers, versions, _grid_name(a.grid), a.z, a.x, a.y, key.view, key.moment, key.known_at, key.variant, key.is_epoch))
        return blake2b(text.encode(), digest_size=16).digest()

    def _remove(self, key: TileKey) -> None:
        with self.file.transaction(PUT_WAIT_MS) as connection:
            freed = sum(weight for weight, in connection.execute(SQL["remove"], (self._digest(key),)))
            connection.execute(SQL["add_mark"], (-freed, "bytes"))

    def _empty(self) -> None:
        with self.file.transaction(EXPIRE_WAIT_MS) as connection:
            connection.execute(SQL["remove_all"])
            connection.execute(SQL["remove_marks"])
            self._set_all(connection)

    def _set_all(self, connection: sqlite3.Connection) -> None:
        here = self._here
        if here is None:
            return
        self.trouble = None
        begun = _microseconds(datetime.now(UTC))
        for name, value in (("seq", here.seq), ("stamp", here.stamp), ("edition", self.edition),
                            ("clock", _microseconds(here.clock)), ("begun", begun), ("bytes", 0)):
            connection.execute(SQL["set_mark"], (name, value))

    def _marks(self) -> dict[str, Any]:
        with self.file.reading() as connection:
            return dict(connection.execute(SQL["marks"]))

    @contextmanager
    def _faults(self, what: str) -> Iterator[None]:
        """Take what is wrong with the file upon us: who asked gets nothing from the store, and everything from elsewhere."""
        try:
            yield
        except sqlite3.Error as error:
            code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
            if isinstance(error, (sqlite3.InterfaceError, sqlite3.ProgrammingError)):
                return          # begun anew by another thread just now
            if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                if what == "expire":
                    LOGGER.warning("tiles on disk: another process writes for long; nothing is read until this one is up to date again")
            elif code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
                self._go_away(str(error))
            else:
                LOGGER.warning("tiles on disk: %s is not a store of tiles any more (%s); it is begun anew", self.path, error)
                self.file.begin_anew()
        except OSError as error:
            self._go_away(str(error))
        except (KeyError, TypeError, ValueError) as error:
            LOGGER.warning("tiles on disk: %s holds what no store of tiles writes (%r); it is begun anew", self.path, error)
            self.file.begin_anew()

    def _go_away(self, why: str) -> None:
        LOGGER.warning("tiles on disk: %s in %s; tiles are kept in memory alone, the disk is tried again in %d seconds", why, self.path, AWAY_S)
        self.trouble = why
        self._away_until = time.monotonic() + AWAY_S
        # What was not told to it while it was away must not be found in it; and the room is given back.
        self.file.begin_anew()


def _grid_name(grid: Grid) -> str:
    """Return a name under which no other grid goes, not even one of the same id that was changed."""
    shape = repr((grid.srid, grid.origin, grid.levels[0], len(grid.levels), grid.levels[-1], grid.tile_px))
    return f"{grid.id}.{blake2b(shape.encode(), digest_size=4).hexdigest()}"


def _packed(key: TileKey, tile: CachedTile) -> dict[str, Any]:
    """Return a tile as a row. The plain body is not kept where a coding is; the codings lie one after the other."""
    codings = [name for name in tile.bodies if name] or [""]
    parts = [tile.bodies[name] for name in codings]
    a, (since, until) = key.address, key.moment or (None, None)
    return {"z": a.z, "x": a.x, "y": a.y, "margin": margin_of(key), "layers": f",{','.join(key.layers)},", "moment": int(key.moment is not None),
            "span_from": _microseconds(since), "span_to": _microseconds(until), "is_fixed": int(key.known_at is not None), "seq": tile.seq,
            "weight": sum(map(len, parts)) + ROW_BYTES, "etag": tile.etag, "media_type": tile.media_type,
            "codings": ",".join(f"{name}:{len(part)}" for name, part in zip(codings, parts, strict=True)), "body": b"".join(parts)}


def _unpacked(row: Any) -> CachedTile | None:
    """Return the tile of a row; None where it is not what was written."""
    bodies, place = {}, 0
    try:
        for part in row[6].split(","):
            name, _, size = part.partition(":")
            bodies[name] = row[7][place:place + int(size)]
            place += int(size)
        if "" not in bodies:
            bodies[""] = isal_zlib.decompress(bodies["gzip"], _GZIP_WINDOW)
    except (ValueError, KeyError, AttributeError, TypeError, isal_zlib.error):
        return None
    if place != len(row[7]) or etag_of(bodies[""]) != row[4]:
        return None
    return CachedTile(bodies, row[4], row[1], _moment(row[2]), row[5])


def _microseconds(at: Any) -> Any:
    return None if at is None else (at - _1970) // timedelta(microseconds=1)


def _moment(microseconds: int) -> datetime:
    return _1970 + timedelta(microseconds=microseconds)
