"""Buried lines as models see them: axis, size and elevation at both ends, as CJJ 61 records them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from layers.crs import to_srid
from spatial_models.process import LayerView, Task
from spatial_models.shown import Shown

__all__ = ["Pipes", "buried_layers", "read_pipes"]

Floats = NDArray[np.float64]
CRS84 = 4326
ENDS = ("start_elevation_m", "end_elevation_m")
_TEXTS = ("kind", "sub_kind", "material", "depth_to", "section_mm")


@dataclass(frozen=True)
class Pipes:
    """Buried lines in the projected CRS. Elevations are of the axis in metres over the vertical datum, NaN where not recorded;
    `size` is the height of the section in metres, NaN where not recorded."""

    layers: NDArray[Any]
    fids: NDArray[np.int64]
    labels: NDArray[Any]
    lines: NDArray[Any]
    start: Floats
    end: Floats
    size: Floats
    texts: dict[str, NDArray[Any]]

    def __len__(self) -> int:
        return len(self.fids)

    def axis_at(self, row: int, share: Floats | float) -> Floats:
        """Return the elevation of the axis at shares of its length."""
        return np.asarray(self.start[row] + np.asarray(share) * (self.end[row] - self.start[row]))

    def half(self, row: int) -> float:
        """Return half the height of the section in metres, 0 where it is not recorded."""
        return float(np.nan_to_num(self.size[row])) / 2

    def named(self, row: int) -> dict[str, Any]:
        """Return how results name a line."""
        return {"layer": str(self.layers[row]), "fid": int(self.fids[row]), "label": self.labels[row],
                **{name: self.texts[name][row] for name in ("kind", "sub_kind", "material")},
                "size_m": None if np.isnan(self.size[row]) else round(float(self.size[row]), 3)}


def buried_layers(task: Task) -> tuple[LayerView, ...]:
    """Return the layers of lines with an elevation at both ends that the asker may read."""
    return tuple(layer for layer in task.layers() if layer.geometry == "LineString" and {*ENDS, "size_mm"} <= layer.fields.keys())


def read_pipes(task: Task, shown: Shown, area: BaseGeometry) -> Pipes:
    """Read the buried lines (the further layers of `shown`) that meet an area of the projected CRS. Overhead lines are left out.

    A recorded elevation is of the top, the centre or the invert, as `depth_to` says; of the centre where it says nothing.
    """
    parts: list[tuple[Any, ...]] = []
    asked = to_srid(area, task.projected_srid, CRS84)
    for layer in shown.others:
        names = [name for name in dict.fromkeys((*ENDS, "size_mm", *_TEXTS, "embedding", layer.label)) if name in layer.fields]
        frame = task.read(shown.question(layer, tuple(str(name) for name in names), area=asked))
        there = shapely.intersects(area, frame.geometry) if len(frame) else np.array([], dtype=bool)
        if "embedding" in frame.columns:
            there = there & (frame.columns["embedding"] != "overhead")
        frame = frame.some(np.flatnonzero(there))
        nothing = np.full(len(frame), None, dtype=object)
        texts = {name: frame.columns.get(name, nothing) for name in _TEXTS}
        size = frame.columns["size_mm"].astype(float) / 1000
        size = np.where(size > 0, size, [_section(text) for text in texts["section_mm"]] if len(frame) else size)
        shift = np.select([texts["depth_to"] == "top", texts["depth_to"] == "invert"], [-0.5, 0.5], 0.0) * np.nan_to_num(size)
        labels = frame.columns[layer.label] if layer.label in frame.columns and layer.label else nothing
        parts.append((np.full(len(frame), layer.id, dtype=object), frame.fids, labels, shapely.force_2d(frame.geometry),
                      frame.columns[ENDS[0]].astype(float) + shift, frame.columns[ENDS[1]].astype(float) + shift, size, texts))
    if not parts:
        nothing, numbers = np.array([], dtype=object), np.array([], dtype=float)
        return Pipes(nothing, np.array([], dtype=np.int64), nothing, nothing, numbers, numbers, numbers, dict.fromkeys(_TEXTS, nothing))
    joined = [np.concatenate([part[i] for part in parts]) for i in range(7)]
    return Pipes(*joined, {name: np.concatenate([part[7][name] for part in parts]) for name in _TEXTS})


def _section(text: Any) -> float:
    """Return the height of a section such as 1200×800 (mm) in metres."""
    _, cross, height = str(text or "").partition("×")
    return int(height) / 1000 if cross and height.isdecimal() and int(height) else float("nan")
