"""Solids that stand in the way of eyes: the features that a layer raises above the ground, as prisms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from layers.crs import to_srid
from layers.errors import NotFound
from spatial_models.faults import wrong
from spatial_models.process import LayerView, Question, Task, given
from spatial_models.surroundings import Ground
from spatial_models.words import Words

__all__ = ["UNKNOWN_M", "NothingToSee", "Solids", "layers_input", "read_solids", "standing_layers"]

Floats = NDArray[np.float64]
CRS84 = 4326
# As 3D tiles draw a height that nobody knows: one storey.
UNKNOWN_M = 3.0


class NothingToSee(NotFound):
    """The asker may read nothing that an analysis in three dimensions is made of."""

    def __init__(self) -> None:
        super().__init__("There is no elevation model and no layer with heights that you may read.")
        self.chinese = "没有您可查看的高程模型或带高度的图层。"


@dataclass(frozen=True)
class Solids:
    """Prisms in the projected CRS: `base` and `top` are elevations in metres over the vertical datum.

    `is_known` says whose height is recorded; the others count as one storey.
    """

    layers: NDArray[Any]
    fids: NDArray[np.int64]
    labels: NDArray[Any]
    shapes: NDArray[Any]
    base: Floats
    top: Floats
    is_known: NDArray[np.bool_]
    columns: dict[str, NDArray[Any]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.fids)

    def some(self, rows: NDArray[Any]) -> Solids:
        """Return the solids that a mask or a list of positions names."""
        return Solids(self.layers[rows], self.fids[rows], self.labels[rows], self.shapes[rows], self.base[rows], self.top[rows], self.is_known[rows],
                      {name: values[rows] for name, values in self.columns.items()})

    def named(self, row: int) -> dict[str, Any]:
        """Return how results name a solid."""
        return {"layer": str(self.layers[row]), "fid": int(self.fids[row]), "label": self.labels[row]}

    def told(self, layers: Sequence[LayerView]) -> dict[str, Any]:
        """Return what took part, as results tell it."""
        return {"layers": [layer.id for layer in layers], "count": len(self), "unknown_heights": int((~self.is_known).sum()), "unknown_height_m": UNKNOWN_M}

    @staticmethod
    def none() -> Solids:
        """Return no solids."""
        nothing, numbers = np.array([], dtype=object), np.array([], dtype=float)
        return Solids(nothing, np.array([], dtype=np.int64), nothing, nothing, numbers, numbers, np.array([], dtype=bool))


def layers_input() -> Any:
    """Describe the input 'layers': whose features stand in the way."""
    return given(Words("Layers", "图层"), Words("Layers whose features stand in the way, raised by their height; all such layers if not given",
                                              "参与遮挡的图层（按其高度拉伸）；不给则为全部此类图层"), None, max_length=10)


def standing_layers(task: Task, names: Sequence[str] | None, others: Sequence[LayerView] = ()) -> tuple[LayerView, ...]:
    """Return the layers of solids: those that are named, or all that the asker may read.

    `others` are layers beside solids that an analysis is made of. Raises InvalidInputs for a name that stands for no layer of the
    asker, or for one without height; NothingToSee where nothing is named and there is neither ground nor any layer.
    """
    if names is None:
        found = tuple(layer for layer in task.layers() if _stands(layer))
        if not found and not others and task.ground(None).terrain is None:
            raise NothingToSee
        return found
    chosen = tuple(task.layer(name) for name in dict.fromkeys(names))
    for layer in chosen:
        if not _stands(layer):
            raise wrong("layers", f"layer '{layer.id}' has no areas with a height.", f"图层“{layer.id}”没有带高度的面。")
    return chosen


def _stands(layer: LayerView) -> bool:
    return layer.geometry in ("Polygon", "MultiPolygon") and layer.height is not None


def read_solids(task: Task, layers: Sequence[LayerView], at: str | None, area: BaseGeometry, more: Sequence[str] = ()) -> tuple[Solids, Ground]:
    """Read the solids that meet an area, and the ground they stand on.

    A solid stands on its recorded ground elevation, else on the elevation model at the middle of its envelope; the plane that
    stands for an unknown ground lies as high as the middle one of the recorded ground elevations.

    Parameters
    ----------
    area
        In the projected CRS.
    more
        Further fields, taken where the asker may read them.
    """
    asked = to_srid(area, task.projected_srid, CRS84)
    parts, recorded = [], []
    for layer in layers:
        names = tuple(name for name in dict.fromkeys((layer.height, layer.label, "ground_elevation_m", *more)) if name in layer.fields)
        frame = task.read(Question(layer.id, tuple(str(name) for name in names), at=at, area=asked))
        there = ~(shapely.is_missing(frame.geometry) | shapely.is_empty(frame.geometry))
        frame = frame.some(there)
        shapes = shapely.force_2d(frame.geometry)
        shapes = np.where(shapely.is_valid(shapes), shapes, shapely.make_valid(shapes)) if len(shapes) else shapes
        here = np.flatnonzero(shapely.intersects(area, shapes)) if len(shapes) else np.array([], dtype=int)
        frame, shapes = frame.some(here), shapes[here]
        nothing = np.full(len(frame), np.nan)
        height = frame.columns[str(layer.height)].astype(float)
        base = frame.columns.get("ground_elevation_m", nothing).astype(float)
        labels = frame.columns[layer.label] if layer.label in frame.columns and layer.label else np.full(len(frame), None, dtype=object)
        parts.append((np.full(len(frame), layer.id, dtype=object), frame.fids, labels, shapes, base, height,
                      {name: frame.columns.get(name, np.full(len(frame), None, dtype=object)) for name in more}))
        recorded.append(base)
    known = np.concatenate(recorded) if recorded else np.array([])
    known = known[np.isfinite(known)]
    ground = task.ground(at, float(np.median(known)) if len(known) else 0.0)
    if not parts:
        return Solids.none(), ground
    layer_ids, fids, labels, shapes, base, height = (np.concatenate([part[i] for part in parts]) for i in range(6))
    columns = {name: np.concatenate([part[6][name] for part in parts]) for name in more}
    if (floating := ~np.isfinite(base)).any():
        boxes = shapely.bounds(shapes[floating])
        found = ground.heights((boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2)
        base[floating] = np.nan_to_num(found, nan=ground.level_m)
    is_known = np.isfinite(height) & (height > 0)
    return Solids(layer_ids, fids, labels, shapes, base, base + np.where(is_known, height, UNKNOWN_M), is_known, columns), ground
