"""Districts, streets and communities as tables; some towns became street offices."""

from __future__ import annotations

import numpy as np
import pandas as pd
import shapely

from layers.demo.admin import DISTRICTS, Admin
from layers.demo.building_facts import Facts
from layers.demo.buildings import Buildings
from layers.demo.frame import Frame
from layers.demo.table import Fids, versions

__all__ = ["admin_tables"]

NAN = float("nan")
_PEOPLE = 2.52           # per household


def admin_tables(frame: Frame, admin: Admin, b: Buildings, facts: Facts, fids: Fids, seed: int) -> dict[str, pd.DataFrame]:
    """Return the layers district, street and community, with the people who live in their dwellings."""
    rng = np.random.default_rng([seed, 27])
    households: dict[str, int] = {}
    homes = np.where(b.standing, facts.columns["dwellings"], 0)
    for codes in (admin.district, admin.street, admin.community):
        for code, count in zip(codes[b.cell[:, 0], b.cell[:, 1]], homes.tolist(), strict=True):
            households[code] = households.get(code, 0) + count
    people = {code: int(count * _PEOPLE) for code, count in households.items()}
    level = {size: [c for c in sorted(admin.shapes) if len(c) == size] for size in (6, 9, 12)}
    out = {}
    codes = level[6]
    shape = np.array([admin.shapes[c] for c in codes], dtype=object)
    out["district"] = versions(frame, fids.take(len(codes)), np.full(len(codes), NAN), np.full(len(codes), NAN), {
        "name": [admin.names[c] for c in codes], "name_en": [name_en for _, name_en, _ in DISTRICTS], "district_code": codes,
        "area_km2": (shapely.area(shape) / 1e6).round(2), "population": [people.get(c, 0) for c in codes]}, shape)
    codes = level[9]
    fid = fids.take(len(codes))
    grown = np.array([not admin.is_town[c] and c[4:6] not in ("01", "02") and rng.random() < 0.4 for c in codes])
    since = np.where(grown, rng.uniform(1996, 2013, len(codes)), NAN)
    earlier = np.flatnonzero(grown)
    row = np.concatenate([np.arange(len(codes)), earlier])
    was = np.arange(len(row)) >= len(codes)
    shape = np.array([admin.shapes[c] for c in codes], dtype=object)
    names = np.array([admin.names[c] for c in codes], dtype=object)[row]
    out["street"] = versions(frame, fid[row], np.concatenate([since, np.full(len(earlier), NAN)]), np.concatenate([np.full(len(codes), NAN), since[earlier]]), {
        "name": np.array([n.removesuffix("街道") + "镇" if w else n for n, w in zip(names, was, strict=True)], dtype=object),
        "street_code": np.array(codes, dtype=object)[row], "district_code": np.array([c[:6] for c in codes], dtype=object)[row],
        "kind": np.array(["town" if w or admin.is_town[codes[k]] else "street" for k, w in zip(row, was, strict=True)], dtype=object),
        "population": np.array([people.get(c, 0) for c in codes])[row] // np.where(was, 3, 1)}, shape[row])
    codes = level[12]
    shape = np.array([admin.shapes[c] for c in codes], dtype=object)
    out["community"] = versions(frame, fids.take(len(codes)), np.full(len(codes), NAN), np.full(len(codes), NAN), {
        "name": [admin.names[c] for c in codes], "community_code": codes, "street_code": [c[:9] for c in codes], "district_code": [c[:6] for c in codes],
        "households": [households.get(c, 0) for c in codes], "population": [people.get(c, 0) for c in codes]}, shape)
    return out
