"""Corrections: what was found out later about the past, theme by theme."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

__all__ = ["Correction", "make_corrections"]


@dataclass
class Correction:
    """One changeset of corrections: title, and rows per layer; a row held over exactly its valid_from to valid_to."""

    zh: str
    en: str
    rows: dict[str, pd.DataFrame]


def _taken(table: pd.DataFrame, where: np.ndarray, count: int, rng: np.random.Generator) -> pd.DataFrame:
    """Draw versions that are open, of features that have no other, as a copy."""
    single = ~table["fid"].duplicated(keep=False).to_numpy() & table["valid_to"].isna().to_numpy()
    chosen = np.sort(rng.permutation(np.flatnonzero(single & where & (table["changeset"] == 0).to_numpy()))[:count])
    return table.iloc[chosen].copy()


def make_corrections(tables: dict[str, pd.DataFrame], seed: int) -> list[Correction]:
    """Return five changesets of corrections, 150 in all."""
    rng = np.random.default_rng([seed, 28])
    building, road, parcel, pipe = tables["building"], tables["road"], tables["parcel"], tables["pipe_segment"]
    floors = building["floors_above"].to_numpy()
    house = np.isin(building["use"].to_numpy(dtype=object), ("residential", "commercial", "industrial"))

    measured = _taken(building, house & (floors > 2), 50, rng)
    measured["floors_above"] = measured["floors_above"] + 1
    measured["height_m"] = (measured["height_m"] + 3.0).round(1)
    measured["eaves_height_m"] = (measured["eaves_height_m"] + 3.0).round(1)
    measured["survey_kind"] = "field"

    year = building["completed_year"].to_numpy(dtype=float, na_value=np.nan)
    dated = _taken(building, house & (year > 1988) & (year < 1998) & ~building["fid"].isin(measured["fid"]).to_numpy(), 30, rng)
    dated["completed_year"] = dated["completed_year"].astype(int) - 2
    dated["valid_from"] = np.array([f"{y}-01-01" for y in dated["completed_year"]], dtype="datetime64[s]")
    dated["begin_precision"] = "y"

    used = _taken(building, (building["use"] == "residential").to_numpy() & (floors > 3) & ~building["fid"].isin([*measured["fid"], *dated["fid"]]).to_numpy(), 25, rng)
    used["use"] = "dormitory"
    used["owner_kind"] = "enterprise"

    area = _taken(parcel, (parcel["area_m2"] > 3000).to_numpy(), 20, rng)
    area["right_kind"] = "state_use"
    area["area_m2"] = (area["area_m2"] * rng.uniform(0.985, 0.998, len(area))).round(2)
    named = _taken(road, road["name"].notna().to_numpy() & (road["class"] == "local").to_numpy(), 10, rng)
    named["width_m"] = named["width_m"] - 1.5

    dug = _taken(pipe, (pipe["kind"] == "JS").to_numpy() & (pipe["material"] == "cast_iron").to_numpy(), 15, rng)
    dug["material"] = "ductile_iron"
    dug["label"] = dug["label"].str.replace("铸铁", "球墨铸铁")
    dug["accuracy_class"] = "I"
    return [Correction("更正:实测建筑高度与层数", "Correction: heights and floors by field survey", {"building": measured}),
            Correction("更正:按档案核实竣工年份", "Correction: years of completion from the archive", {"building": dated}),
            Correction("更正:房屋用途核查", "Correction: uses found by inspection", {"building": used}),
            Correction("更正:地籍面积与路宽复测", "Correction: parcels and roads measured again", {"parcel": area, "road": named}),
            Correction("更正:开挖核实管材", "Correction: pipe material seen in excavations", {"pipe_segment": dug})]
