"""A neighbourhood to walk through: sixteen blocks with a known history, written through the store's own door."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from layers.access import OWNER
from layers.catalogue import Catalogue
from layers.edits import Changeset, Edit, apply_changeset
from layers.store import Store

__all__ = ["BLOCKS", "BUILDINGS_NOW", "BUILDINGS_1990", "COMPOUNDS", "Neighbourhood", "build"]

COMPOUNDS = ("望京花园", "和平里小区", "朝阳门公寓", "东直家园", "安贞西里", "柳芳南里", "惠新东街小区", "太阳宫北里",
             "芍药居", "牡丹园", "花园路甲区", "六铺炕小区", "德外大院", "鼓楼西苑", "什刹海胡同", "积水潭家园")
BLOCKS = len(COMPOUNDS)
PER_BLOCK = 8
# Every second block was there in 1985, the others were built in 2005; of the first block, two were demolished in 2015.
BUILDINGS_1990 = BLOCKS // 2 * PER_BLOCK
DEMOLISHED = 2
BUILDINGS_NOW = BLOCKS * PER_BLOCK - DEMOLISHED
WEST, SOUTH, STEP = 116.385, 39.918, 0.004
DISTRICT, STREET = "110105", "110105017"


@dataclass(frozen=True)
class Neighbourhood:
    """What was built: fids by temp id, the centre of the first compound, the number of its changeset."""

    fids: dict[str, int]
    seq: int


def _ring(x: float, y: float, width: float, height: float) -> list[list[float]]:
    return [[x, y], [x + width, y], [x + width, y + height], [x, y + height], [x, y]]


def _area(*ring: float) -> dict[str, Any]:
    return {"type": "MultiPolygon", "coordinates": [[_ring(*ring)]]}


def _create(layer: str, temp_id: str, since: str, until: str | None = None, geometry: Any = None, **properties: Any) -> Edit:
    more = {} if geometry is None else {"geometry": geometry}
    return Edit(layer, "create", temp_id=temp_id, properties={"district_code": DISTRICT, **properties}, valid_from=since,
                valid_to=until, **more)


def _block(number: int, name: str) -> list[Edit]:
    x, y = WEST + number % 4 * STEP, SOUTH + number // 4 * STEP
    since = "1985-01-01" if number % 2 == 0 else "2005-01-01"
    edits = [_create("parcel", f"parcel{number}", since, geometry=_area(x + 3e-4, y + 3e-4, STEP - 6e-4, STEP - 6e-4),
                     source_id=f"P{number:03d}", location=f"朝阳区{name}", street_code=STREET)]
    for slab in range(PER_BLOCK):
        column, row = slab % 2, slab // 2
        until = "2015-06-01" if number == 0 and slab < DEMOLISHED else None
        edits.append(_create(
            "building", f"building{number}.{slab}", since, until,
            _area(x + 5e-4 + column * 1.6e-3, y + 5e-4 + row * 7.5e-4, 1.3e-3, 3e-4), source_id=f"B{number:03d}{slab}",
            name=f"{name}{slab + 1}号楼", building_no=f"{slab + 1}", address=f"朝阳区望京街{number + 1}号{name}{slab + 1}号楼",
            status="in_use", use="residential" if slab else "commercial", structure="concrete", floors_above=6 + 3 * slab,
            height_m=18.0 + 9 * slab, completed_year=int(since[:4]), built_area_m2=1500.0 + 400 * slab, street_code=STREET))
    return edits


def _ground() -> list[Edit]:
    width = 4 * STEP
    edits = [
        _create("district", "district", "1950", geometry=_area(WEST - 0.05, SOUTH - 0.04, 0.12, 0.1), name="朝阳区"),
        _create("street", "street", "1950", geometry=_area(WEST - 0.01, SOUTH - 0.01, width + 0.02, width + 0.02), name="望京街道",
                street_code=STREET, kind="street"),
        _create("green_space", "park", "1987", geometry=_area(WEST + width + 5e-4, SOUTH, 0.006, 0.008), name="朝阳公园", kind="park"),
        _create("water_area", "lake", "1950", geometry=_area(WEST + width + 2e-3, SOUTH + 2e-3, 0.002, 0.003), name="水碓湖",
                kind="lake"),
    ]
    for line in range(5):
        at = line * STEP
        for name, ends in ((f"望京{line + 1}街", [[WEST, SOUTH + at], [WEST + width, SOUTH + at]]),
                           (f"广顺{line + 1}路", [[WEST + at, SOUTH], [WEST + at, SOUTH + width]])):
            edits.append(_create("road", name, "1980", geometry={"type": "LineString", "coordinates": ends}, name=name,
                                 road_no=name, **{"class": "secondary"}))
    return edits


def _project() -> list[Edit]:
    edits = [_create("project", "project", "2024-03", geometry=_area(WEST + 3 * STEP + 2e-4, SOUTH + 3 * STEP + 2e-4, 3e-3, 3e-3),
                     name="积水潭家园二期", project_code="2024-110105-70-03-000001", kind="housing", stage="construction")]
    for order, step in enumerate(("s01_initiation", "s03_land_permit", "s05_works_permit"), 1):
        edits.append(_create("milestone", f"milestone{order}", "2024-03", project_fid="$project", phase=1, step=step, step_no=order,
                             state="done"))
    return edits


def _rooms() -> list[Edit]:
    return [_create("unit_room", f"room{number}", "1985", building_fid="$building0.2", room_no=f"{number}01", area_total_m2=80.5)
            for number in range(1, 13)]


def build(store: Store, catalogue: Catalogue) -> Neighbourhood:
    """Write the neighbourhood as one changeset of the owner."""
    edits = _ground() + [edit for number, name in enumerate(COMPOUNDS) for edit in _block(number, name)] + _project() + _rooms()
    applied = apply_changeset(store, catalogue, OWNER, Changeset(edits, "survey", "普查入库"))
    return Neighbourhood(dict(applied.temp_ids or {}), applied.seq)
