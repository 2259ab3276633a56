"""What is known of each building: name, use, structure, heights, areas, grades, owner, codes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

from layers.demo.addresses import Addresses, rank_within
from layers.demo.admin import Admin
from layers.demo.buildings import Buildings
from layers.demo.codes import house_codes
from layers.demo.names import Companies, people
from layers.demo.terrain import ground_m
from layers.demo.titles import Titles

__all__ = ["HOUSING", "Facts", "make_facts"]

HOUSING = ("danwei", "slabs90", "towers90", "mixed00", "slabs00", "towers10", "villas")
_USE = {"hutong": "courtyard", "village": "residential", "shops": "commercial", "mall": "commercial", "hotel": "hotel", "offices": "office",
        "cbd": "office", "techpark": "research", "gov": "government", "culture": "culture", "primary": "education", "middle": "education",
        "hospital": "medical", "elder": "medical", "factory": "industrial", "oldfactory": "industrial", "logistic": "warehouse",
        "waterworks": "utility", "substation": "utility", "heatworks": "utility", "firestation": "government", "campus": "education",
        "palace": "heritage", "temple": "heritage", "station": "transport", "stadium": "sports", "expo": "culture", "works": "culture",
        "pavilions": "heritage"} | dict.fromkeys(HOUSING, "residential")
_USE_OF_ROLE = {"shop": "commercial", "podium": "commercial", "dormitory": "dormitory", "office": "office", "chimney": "utility", "tank": "utility"}
_PART = {("primary", "main"): "教学楼", ("primary", "hall"): "体育馆", ("primary", "service"): "综合楼", ("hospital", "main"): "门诊楼",
         ("hospital", "tower"): "住院楼", ("hospital", "service"): "医技楼", ("gov", "main"): "主楼", ("gov", "office"): "配楼", ("gov", "service"): "会堂",
         ("gov", "dormitory"): "家属楼", ("campus", "main"): "教学楼", ("campus", "dormitory"): "学生公寓", ("palace", "wing"): "配殿", ("temple", "wing"): "配殿",
         ("station", "main"): "站房", ("station", "canopy"): "站台雨棚", ("station", "tower"): "铁路大厦", ("substation", "hall"): "配电楼",
         ("heatworks", "hall"): "锅炉房", ("waterworks", "tank"): "沉淀池", ("waterworks", "hall"): "泵房"}
_HALLS = ("承天门", "永安门", "太和正殿", "中和殿", "保和殿", "乾元宫", "交泰阁", "坤安宫", "钦安殿", "神武门")
_CHIMNEY, _TANK = "烟囱", "储罐"


@dataclass
class Facts:
    """Columns of the building layer by field name, one value per building; which are housing, their rooms, their number on the parcel."""

    columns: dict[str, np.ndarray]
    is_housing: np.ndarray
    rooms_per_level: np.ndarray
    in_parcel: np.ndarray


def _names(b: Buildings, titles: Titles, a: Addresses) -> np.ndarray:
    letters = "ABCDEFGHJKLMNPQRSTUVWX"
    hall = rank_within(b.development * 2 + (b.role == "main"), b.middle[:, 1])
    out = np.full(len(b.fid), None, dtype=object)
    for k, (kind, role, dev, no) in enumerate(zip(b.kind, b.role, b.development, a.building_no.tolist(), strict=True)):
        name = titles.name[dev]
        if kind in ("hutong", "village") or not name:
            continue
        if kind in HOUSING:
            out[k] = f"{name}{no}号楼" if no else name + {"shop": "商业楼", "service": "幼儿园"}.get(role, "")
        elif role == "chimney":
            out[k] = name + _CHIMNEY
        elif kind in ("offices", "cbd", "hotel", "mall"):
            out[k] = name + ("裙楼" if role == "podium" else letters[(no - 1) % len(letters)] + "座" if no else "")
        elif kind in ("factory", "oldfactory", "logistic"):
            out[k] = f"{name}{no}号{'库' if kind == 'logistic' else '办公楼' if role == 'office' else '厂房'}" if no else name
        elif kind == "palace" and role == "main":
            out[k] = _HALLS[min(int(hall[k]), len(_HALLS) - 1)]
        elif kind == "shops":
            out[k] = f"{a.road[k]}{a.gate_no[k]}号商业楼" if a.road[k] else None
        elif kind == "techpark":
            out[k] = f"{name}{no}号楼" if no else name
        else:
            part = _PART.get(("primary" if kind == "middle" else kind, role), "")
            out[k] = name + (part + (f"{no}" if no and kind == "campus" else ""))
    return out


def _uses(b: Buildings) -> np.ndarray:
    use = np.array([_USE.get(k, "other") for k in b.kind], dtype=object)
    for role, value in _USE_OF_ROLE.items():
        use[b.role == role] = value
    housing = np.isin(b.kind, HOUSING)
    use[housing & (b.role == "service")] = "education"
    use[(b.kind == "gov") & (b.role == "dormitory")] = "residential"
    use[(b.kind == "hutong") & (b.role == "service")] = "office"
    use[(b.kind == "station") & (b.role == "tower")] = "hotel"
    use[(b.kind == "works") & (b.role == "office")] = "office"
    return use


def _structures(b: Buildings, use: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    hall, house = b.role == "hall", b.kind == "village"
    return np.select(
        [np.isin(use, ("courtyard", "heritage")), house & (b.done < 1988), house, hall & (b.done > 1990), hall, b.role == "canopy",
         (b.floors > 34) & (rng.random(len(use)) < 0.45), (b.floors <= 7) & (b.done < 1999), np.isin(use, ("sports", "transport"))],
        ["brick_wood", "brick_wood", "mixed", "steel", "mixed", "steel", "steel", "mixed", "steel"], "concrete").astype(object)


def _owners(b: Buildings, use: np.ndarray, rng: np.random.Generator, companies: Companies) -> tuple[np.ndarray, np.ndarray]:
    n = len(use)
    draw = rng.random(n)
    kind = np.select(
        [use == "courtyard", b.kind == "village", np.isin(use, ("residential", "mixed")) & (b.done < 1990), np.isin(use, ("residential", "mixed")),
         np.isin(use, ("commercial", "hotel", "office", "research", "industrial", "warehouse"))],
        [np.where(draw < .45, "public_housing", np.where(draw < .88, "person", "state")), "person",
         np.where(draw < .55, "many", np.where(draw < .85, "enterprise", "state")), "many",
         np.where(draw < .9, "enterprise", "collective")], "state").astype(object)
    person, company = people(n, rng), companies.draw("factory", n, rng)
    name = np.select([kind == "person", kind == "enterprise"], [person, company], None)
    return kind, name


def make_facts(b: Buildings, a: Addresses, titles: Titles, admin: Admin, companies: Companies, parcel_codes: np.ndarray, seed: int) -> Facts:
    """Work out the facts of all buildings.

    Parameters
    ----------
    parcel_codes
        The cadastral code of each parcel.
    """
    rng = np.random.default_rng([seed, 15])
    n = len(b.fid)
    use = _uses(b)
    housing = np.isin(b.kind, HOUSING) & (b.role == "main")
    area = shapely.area(b.shape)
    high = b.floors * b.storey
    tall = b.floors >= 9
    eaves = np.where(tall, high, high * np.where(np.isin(use, ("courtyard", "heritage")), 0.72, 1.0)) + 0.3
    height = np.where(tall, high + rng.uniform(1.5, 6, n), high + np.where(b.floors > 1, rng.uniform(0.6, 1.4, n), 0.5))
    year = np.floor(b.done).astype(int)
    below = np.where((year >= 1995) & (b.floors >= 9), rng.integers(1, 4, n), np.where((year >= 2005) & housing, rng.integers(0, 3, n), 0))
    per_level = np.where(housing, np.clip(np.round(area * .86 / np.maximum(b.entrances, 1) / np.where(b.floors > 14, 112, 104)), 1, 10), 0).astype(int)
    per_level = np.where(b.kind == "villas", 1, per_level)
    dwellings = np.where(b.kind == "villas", 1, per_level * np.maximum(b.entrances, 1) * b.floors)
    dwellings = np.where(housing, dwellings, np.where(b.kind == "hutong", np.clip(area / 70, 1, 9), np.where(b.kind == "village", 1, 0))).astype(int)
    age = 2026 - year
    worse = rng.random(n) * np.clip(age / 60, 0.05, 1.4)
    street = admin.street[b.cell[:, 0], b.cell[:, 1]]
    owner_kind, owner_name = _owners(b, use, rng, companies)
    dev_manager = companies.draw("manager", int(b.development.max()) + 1, rng)[b.development]
    managed = (housing & (b.done > 1978)) | np.isin(use, ("office", "commercial", "hotel", "research"))
    serial = rank_within(np.unique(street.astype(str), return_inverse=True)[1] * 10_000 + year, b.fid) + 1
    in_parcel = rank_within(b.parcel, b.fid) + 1
    codes = np.empty(n, dtype=object)
    # Real estate is registered as such since 2015; what was gone by then or is privately let has the house code alone.
    registered = (np.isnan(b.end) | (b.end > 2015)) & ~np.isin(b.kind, ("hutong", "village", "danwei"))
    codes[:] = [[{"scheme": "house", "value": h}, *([{"scheme": "real_estate_unit", "value": f"{p}F{k:04d}0000"}] if r else [])]
                for h, p, k, r in zip(house_codes(list(street), year, serial), parcel_codes[b.parcel], in_parcel.tolist(), registered, strict=True)]
    energy = np.where(housing, np.digitize(b.done, (1988, 1997, 2005, 2013, 2021)), np.where(b.done < 2006, 0, np.where(b.done < 2016, 2, 3)))
    columns = {
        "source_id": np.array([f"B{k:06d}" for k in range(1, n + 1)], dtype=object), "name": _names(b, titles, a),
        "building_no": np.array([f"{k}号楼" if k else None for k in a.building_no.tolist()], dtype=object), "address": a.full, "codes": codes,
        "use": use, "structure": _structures(b, use, rng), "floors_above": b.floors, "floors_below": below, "height_m": height.round(1),
        "eaves_height_m": np.minimum(eaves, height).round(1), "ground_elevation_m": ground_m(b.middle[:, 0], b.middle[:, 1]).round(2),
        "completed_year": year, "design_code": np.select([b.done < 1979, b.done < 1990, b.done < 2002, b.done < 2011],
                                                         ["none", "1978", "1989", "2001"], "2010").astype(object),
        "seismic_intensity": np.where(b.done < 1979, 7, 8),
        "safety_grade": np.select([worse > 1.02, worse > .82, worse > .42], ["D", "C", "B"], "A").astype(object),
        "energy_grade": np.array(["e0", "e30", "e50", "e65", "e75", "e80"], dtype=object)[energy],
        "footprint_area_m2": area.round(2), "built_area_m2": (area * b.floors * .985 + area * below * .9).round(2),
        "planning_area_m2": (area * b.floors).round(2), "construction_area_m2": (area * (b.floors + below * .96)).round(2), "dwellings": dwellings,
        "pm_company": np.where(managed, dev_manager, None), "owner_kind": owner_kind, "owner_name": owner_name,
        "archive_no": np.array([f"FA-{y}-{k:06d}" for y, k in zip(year.tolist(), range(1, n + 1), strict=True)], dtype=object),
        "survey_kind": np.select([b.done >= 2008, np.isin(use, ("courtyard",)), b.done >= 1990], ["field", "photo", "migrated"], "photo").astype(object),
        "street_code": street, "district_code": admin.district[b.cell[:, 0], b.cell[:, 1]],
    }
    return Facts(columns, housing, per_level, in_parcel)
