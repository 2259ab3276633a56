"""The city in tiles: grids, vector tiles, symbology."""

import sys
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType


def _keep_the_environment() -> None:
    """Let Mapnik's package find its letters, and not change where others look for their data.

    When it is imported it writes the folders of its own PROJ and GDAL data into the environment of the process; rasterio, and
    every program that is started, would look for theirs in them and know no CRS any more.
    """
    found = find_spec("mapnik")
    if found is None or found.origin is None or "mapnik.mapnik_settings" in sys.modules:
        return
    icu = Path(found.origin).parent / "share" / "icu"
    settings = ModuleType("mapnik.mapnik_settings", "What Mapnik sets in the environment.")
    settings.env = {"ICU_DATA": str(icu)} if icu.is_dir() else {}       # type: ignore[attr-defined]
    sys.modules[settings.__name__] = settings


_keep_the_environment()
