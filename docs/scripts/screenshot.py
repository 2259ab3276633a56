"""Take docs/images/map.png from a running city: a browser opens the map in relief, not signed in, and takes a picture.

    .venv/bin/python -m docs.scripts.screenshot [ADDRESS [FILE]]      (from the project's folder)

ADDRESS is http://127.0.0.1:8000 unless told otherwise. The picture has 1440 by 900 pixels and a palette of its own, so that it
stays below 600 kB.
"""

from __future__ import annotations

import sys
from pathlib import Path

from config.settings import ROOT
from docs.scripts.visitor import browser, smaller, visit

VIEW = "c=116.3885,39.9235,15.3,-18,48&d=3"
SIZE = {"width": 1440, "height": 900}
LARGEST_BYTES = 600_000


def photograph(address: str, view: str = VIEW) -> bytes:
    """Return a PNG of the map at an address, as soon as all tiles in view are drawn."""
    with browser() as opened, visit(opened, address, width=SIZE["width"], height=SIZE["height"], view=view) as visitor:
        visitor.page.wait_for_timeout(1_500)
        return visitor.page.screenshot()


if __name__ == "__main__":
    address = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000"
    path = Path(sys.argv[2]) if len(sys.argv) > 2 else ROOT / "docs" / "images" / "map.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(smaller(photograph(address.rstrip("/")), LARGEST_BYTES))
