"""The store of tiles on disk, as the settings have it."""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b

from config.settings import ROOT, Settings
from tiles.shared_store import SharedStore

__all__ = ["edition", "tile_disk"]


def tile_disk(settings: Settings, dsn: str) -> SharedStore | None:
    """Return the store on disk for the tiles of a database, not yet opened; None where the settings want none."""
    if settings.tile_cache_mb == 0:
        return None
    # One folder may serve several cities, one after the other or at once.
    name = blake2b(dsn.encode(), digest_size=6).hexdigest()
    return SharedStore(settings.var / "tiles" / f"{name}.sqlite", settings.tile_cache_mb * 2**20, edition())


@lru_cache(maxsize=1)
def edition() -> str:
    """Name the program by what makes tiles: a tile of another program may look different."""
    found = blake2b(digest_size=8)
    for path in sorted(path for folder in ("layers", "tiles") for path in (ROOT / folder).rglob("*") if path.suffix in (".py", ".sql")):
        found.update(path.read_bytes())
    return found.hexdigest()
