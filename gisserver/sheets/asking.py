"""For whom something is made from the map: what makes sheets and reports is told who asked, and where the files are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from layers.access import Audience
from layers.catalogue import Catalogue
from layers.errors import UnknownLayer
from layers.layer import Layer
from layers.store import Store

__all__ = ["Asking"]


@dataclass(frozen=True)
class Asking:
    """For whom a sheet or a report is made, and where: `user` is written on it, `var` holds the files of imagery."""

    store: Store
    catalogue: Catalogue
    audience: Audience
    var: Path
    language: str
    user: str

    def layer(self, layer_id: str) -> Layer:
        """Return a layer that may be read. Raises UnknownLayer."""
        layer = self.catalogue.layers.get(layer_id)
        if layer is None or not self.audience.may_read(layer_id):
            raise UnknownLayer(layer_id)
        return layer
