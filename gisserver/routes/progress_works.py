"""What the store knows of projects under construction, for one reader: milestones, records of progress, buildings with their floors."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from math import isfinite
from typing import Any

import numpy as np
import orjson
import shapely

from gisserver.ogc.tiles3d import scene_of
from gisserver.request import Request
from layers.errors import NotFound
from layers.features import count, rows
from layers.layer import Layer
from layers.moments import parse_moment
from layers.query import ItemQuery
from spatial_models.progress import Programme, Record, Step, Works, programme
from tiles.tileset3d_content import UNKNOWN_M, Scene
from tiles.tileset3d_storeys import Storey, storeys_of

__all__ = ["MOST_DRAWN", "Building", "Project", "chosen", "programmes"]

# More than these are too many to be drawn floor by floor; their numbers are told all the same.
MOST_DRAWN = 600
MOST_FLOORS = 200
WIDEST = 400
# Whose growth one wants to see comes first.
_STAGES = ("construction", "suspended", "acceptance", "preparation", "completed", "works_permit", "initiation", "cancelled")
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Building:
    """A building of a project: its footprint (GeoJSON, CRS84), the height of the ground it stands on (m over the ellipsoid), and
    where its floors above ground begin and end (m above that), with the level of each where it is known."""

    fid: int
    label: str
    floors: int
    weight: float
    base_m: float
    bounds_m: tuple[float, ...]
    levels: tuple[int | None, ...]
    geometry: bytes

    def document(self) -> dict[str, Any]:
        """Return it as the service tells it."""
        return {"fid": self.fid, "label": self.label, "base_m": round(self.base_m, 2), "bounds_m": [round(m, 2) for m in self.bounds_m],
                "levels": self.levels if any(self.levels) else None, "geometry": orjson.Fragment(self.geometry)}


@dataclass(frozen=True)
class Project:
    """A project with its programme and what that is made from; `buildings` in the order of the programme's works."""

    fid: int
    label: str
    stage: str | None
    steps: tuple[Step, ...]
    buildings: tuple[Building, ...]
    programme: Programme


def chosen(request: Request, layer: Layer, fids: tuple[int, ...] | None, box: Box | None, at: datetime, known: int | None,
           limit: int) -> tuple[int, list[dict[str, Any]], int]:
    """Return how many projects are meant, the first of them as rows, and how many numbers are no project of this reader's.

    Those named come in that order, those in a box by stage, which are being built first. A number that never was one, one that is
    gone and one that the reader may not see count alike: of none is told which it is.
    """
    audience, store = request.audience, request.context.store
    fields = _visible(request, layer, ("name", layer.label, "stage", "planned_start", "planned_end"))
    if fids is not None:
        asked = ItemQuery(layer, audience, interval=(None, None), known_at=known, fids=fids, fields=fields, limit=None, geometry=False)
        # On that day; of one that was not yet, what it began as; of one that is no more, what it ended as.
        found: dict[int, dict[str, Any]] = {}
        for row in sorted(rows(store, asked), key=_begin):
            if row["id"] not in found or _begin(row) <= at:
                found[row["id"]] = row
        here = [found[fid] for fid in fids if fid in found]
        return len(here), here[:limit], len(fids) - len(here)
    asked = ItemQuery(layer, audience, bbox=box, at=at, known_at=known, fields=fields, limit=WIDEST, geometry=False)
    here = list(rows(store, asked))
    matched = len(here) if len(here) < WIDEST else count(store, asked)
    return matched, sorted(here, key=lambda row: (_rank(row.get("stage")), row["id"]))[:limit], 0


def _rank(stage: Any) -> int:
    return _STAGES.index(stage) if stage in _STAGES else len(_STAGES)


def _begin(row: dict[str, Any]) -> datetime:
    return parse_moment(row["valid_from"]).at if row["valid_from"] else datetime.min.replace(tzinfo=UTC)


def _visible(request: Request, layer: Layer, names: Iterable[str | None]) -> tuple[str, ...]:
    readable = {f.name for f in request.audience.fields(layer)}
    return tuple(dict.fromkeys(n for n in names if n in readable))


def programmes(request: Request, projects: Sequence[dict[str, Any]], known: int | None, drawn: bool) -> list[Project]:
    """Return the programmes of projects, made from what this reader may see."""
    fids = [row["id"] for row in projects]
    steps: defaultdict[int, list[Step]] = defaultdict(list)
    for row in _of(request, "milestone", fids, known, ("phase", "step", "planned_date", "actual_date")):
        steps[row["project_fid"]].append(Step(row.get("phase") or 1, row.get("step") or "", _date(row.get("planned_date")), _date(row.get("actual_date"))))
    records: defaultdict[tuple[int, int | None], list[Record]] = defaultdict(list)
    names = ("building_fid", "recorded_on", "planned_percent", "actual_percent", "planned_floors", "floors_done")
    for row in _of(request, "progress", fids, known, names):
        if day := _date(row.get("recorded_on")):
            records[row["project_fid"], row.get("building_fid")].append(Record(day, *(row.get(name) for name in names[2:])))
    buildings = _buildings(request, fids, known, drawn)
    label = request.context.catalogue.layer("project").label
    made = []
    for row in projects:
        fid, own = row["id"], buildings.get(row["id"], [])
        works = [Works(b.floors, b.weight, tuple(records[fid, b.fid])) for b in own]
        begin, end = _date(row.get("planned_start")), _date(row.get("planned_end"))
        made.append(Project(fid, str(row.get(label or "") or f"#{fid}"), row.get("stage"), tuple(steps[fid]), tuple(own),
                            programme(works, steps[fid], records[fid, None], begin, end)))
    return made


def _date(value: Any) -> date | None:
    return value if isinstance(value, date) and not isinstance(value, datetime) else None


def _of(request: Request, name: str, projects: Sequence[int], known: int | None, names: tuple[str, ...], form: str = "",
        more: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """Return the last version of each feature that belongs to the projects and has not ended; none where the reader may not tell."""
    layer = request.context.catalogue.layers.get(name)
    if layer is None or not request.audience.may_read(name) or not projects or not _visible(request, layer, ("project_fid",)):
        return []
    within = {"op": "in", "args": [{"property": "project_fid"}, list(projects)]}
    asked = ItemQuery(layer, request.audience, interval=(None, None), known_at=known, filter=within, limit=None, geometry=bool(form),
                      fields=_visible(request, layer, ("project_fid", *names, *more)))
    last: dict[int, dict[str, Any]] = {}
    for row in rows(request.context.store, asked, "wkb"):
        if row["id"] not in last or _begin(last[row["id"]]) <= _begin(row):
            last[row["id"]] = row
    now = datetime.now(UTC)
    return [row for row in last.values() if row["valid_to"] is None or parse_moment(row["valid_to"]).at > now]


_FIELDS = ("floors_above", "height_m", "ground_elevation_m", "construction_area_m2")


def _buildings(request: Request, projects: Sequence[int], known: int | None, drawn: bool) -> dict[int, list[Building]]:
    layer = request.context.catalogue.layers.get("building")
    if layer is None:
        return {}
    found = _of(request, "building", projects, known, _FIELDS, "wkb" if drawn else "", (layer.label or "",))
    weighed = all(_positive(row.get("construction_area_m2")) for row in found)
    scene = _scene(request, layer, known) if drawn and found else None
    places = _Places(request, scene, found) if scene else None
    made: defaultdict[int, list[Building]] = defaultdict(list)
    for number, row in enumerate(found):
        height = _positive(row.get("height_m"))
        floors = min(MOST_FLOORS, int(row.get("floors_above") or max(1, round((height or UNKNOWN_M) / UNKNOWN_M))))
        height = height or floors * UNKNOWN_M
        base, stack = places.of(number) if places else (0.0, [])
        bounds, levels = _floors(floors, height, stack) if drawn else ((), ())
        geometry = row.get("geometry")
        text = shapely.to_geojson(shapely.transform(shapely.force_2d(shapely.from_wkb(geometry)), lambda xy: xy.round(7))).encode() if geometry else b"null"
        made[row["project_fid"]].append(Building(row["id"], str(row.get(layer.label or "") or ""), floors,
                                                 row["construction_area_m2"] if weighed else float(floors), base, bounds, levels, text))
    return dict(made)


def _positive(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and isfinite(value) and value > 0 else None


def _scene(request: Request, layer: Layer, known: int | None) -> Scene | None:
    try:
        return scene_of(request.context, ItemQuery(layer, request.audience, known_at=known))
    except NotFound:
        # Somebody who may not read heights still sees footprints grow.
        return None


class _Places:
    """Where buildings stand, and which levels they are known to have: as their 3D tiles have it."""

    def __init__(self, request: Request, scene: Scene, found: Sequence[dict[str, Any]]) -> None:
        self._found, self._offset = found, scene.city.geoid_offset_m
        shapes = shapely.from_wkb([row.get("geometry") for row in found])
        boxes = np.nan_to_num(shapely.bounds(shapes))
        self._ground = scene.ground.heights((boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2)
        self._stacks = storeys_of(request.context.store, scene.query, scene.level, None, found)

    def of(self, number: int) -> tuple[float, list[Storey]]:
        """Return the ground's height over the ellipsoid (m), and the storeys."""
        row = self._found[number]
        given = row.get("ground_elevation_m")
        base = float(self._ground[number]) if given is None else float(given)
        return base + self._offset, self._stacks.get((row["id"], row["version"]), [])


def _floors(count: int, height: float, stack: Sequence[Storey]) -> tuple[tuple[float, ...], tuple[int | None, ...]]:
    """Return where floors begin and end above the ground, and their levels: by what is known of them, else of equal height."""
    above = sorted((s for s in stack if s.bottom_m >= 0), key=lambda s: s.bottom_m)
    if len(above) < count:
        return tuple(height * n / count for n in range(count + 1)), (*(s.fid for s in above), *(None for _ in range(count - len(above))))
    # What lies above the last floor (a roof) comes with it.
    return (0.0, *(s.top_m for s in above[:count - 1]), max(height, above[count - 1].top_m)), tuple(s.fid for s in above[:count])
