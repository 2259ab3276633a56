"""Storeys of buildings along a height: where floors begin and end, by their recorded heights, and by assumption where none is recorded."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import batched
from typing import Any, Literal, NamedTuple

from spatial_models.process import LayerView, Question, Task
from spatial_models.shown import Shown

__all__ = ["MOST_STOREYS", "Level", "Storey", "basis_of", "levels_of", "stack"]

# Where a level does not say how high it is: as 3D tiles have it.
USUAL_M = 3.0
# More are not told, whatever number of floors somebody wrote.
MOST_STOREYS = 250
_OWNERS = 1_000
Basis = Literal["recorded", "partly", "assumed"]


class Level(NamedTuple):
    """A recorded level: its number, where 1 is the first above the ground and what is not above 0 lies below, its name and height (m)."""

    fid: int
    number: int
    label: str
    height_m: float | None


@dataclass(frozen=True)
class Storey:
    """A storey of a building from `bottom_m` to `top_m` (elevations over the vertical datum); `fid` is the level that it is, None for one that is
    not recorded; `is_recorded` says whether its height is."""

    label: str
    bottom_m: float
    top_m: float
    fid: int | None
    is_recorded: bool

    @property
    def told(self) -> dict[str, Any]:
        """Return it as results tell it."""
        return {"label": self.label, "bottom_m": round(self.bottom_m, 3), "top_m": round(self.top_m, 3), "fid": self.fid, "is_recorded": self.is_recorded}


def levels_of(task: Task, shown: Shown, layer: LayerView, fids: Sequence[int]) -> dict[int, list[Level]]:
    """Return the recorded levels of a layer's features from below, by feature: those that the asker may read, as of the day."""
    part, owner = next(((each, field.name) for each in task.layers() if each.geometry is None and "actual_no" in each.fields
                        for field in each.fields.values() if field.part_of == layer.id), (None, ""))
    if part is None:
        return {}
    names = tuple(name for name in (owner, "actual_no", "nominal_no", "height_m") if name in part.fields)
    found: defaultdict[int, list[Level]] = defaultdict(list)
    for some in batched(fids, _OWNERS):
        rows = task.read(Question(part.id, names, at=shown.at, known_at=shown.known_at, geometry=False,
                                  filter={"op": "in", "args": [{"property": owner}, list(some)]}))
        for n, fid in enumerate(rows.fids.tolist()):
            number, height = rows.columns["actual_no"][n], float(rows.columns["height_m"][n]) if "height_m" in rows.columns else math.nan
            if math.isfinite(number):
                label = rows.columns["nominal_no"][n] if "nominal_no" in rows.columns else None
                found[int(rows.columns[owner][n])].append(Level(fid, int(number), str(label or int(number)), height if height > 0 else None))
    return {fid: sorted(levels, key=lambda level: level.number) for fid, levels in found.items()}


def stack(base_m: float, top_m: float, floors_above: int | None, levels: Sequence[Level]) -> list[Storey]:
    """Return the storeys of a building from below.

    Recorded levels are piled up from the ground, and down from it, by their heights (USUAL_M where none is recorded). Floors above the ground that are
    counted and not recorded as levels share what is left up to the top evenly; where nothing is left, there are none. The lowest MOST_STOREYS at most.

    >>> [(s.bottom_m, s.top_m) for s in stack(0, 6, 2, [])]
    [(0.0, 3.0), (3.0, 6.0)]
    """
    above = [level for level in levels if level.number > 0]
    below = [level for level in levels if level.number <= 0]
    made, at = [], base_m
    for level in reversed(below):
        made.insert(0, Storey(level.label, at - (level.height_m or USUAL_M), at, level.fid, level.height_m is not None))
        at = made[0].bottom_m
    at = base_m
    for level in above:
        made.append(Storey(level.label, at, at + (level.height_m or USUAL_M), level.fid, level.height_m is not None))
        at = made[-1].top_m
    missing = max(0, (floors_above or 0) - len(above))
    each = (top_m - at) / missing if missing else 0.0
    if each > 0:
        made += [Storey(str(len(above) + n + 1), at + n * each, at + (n + 1) * each, None, False) for n in range(min(missing, MOST_STOREYS))]
    return made[:MOST_STOREYS]


def basis_of(storeys: Sequence[Storey]) -> Basis | None:
    """Return on what storeys stand: recorded heights, some of them, or an assumption; None where there are none."""
    known = sum(each.is_recorded for each in storeys)
    return None if not storeys else "recorded" if known == len(storeys) else "partly" if known else "assumed"
