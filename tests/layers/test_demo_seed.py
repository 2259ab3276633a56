"""One seed makes one city, whoever makes it."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import pandas as pd
import pytest
import shapely

from config.settings import ROOT
from layers.city import read_city
from layers.demo import DemoCity, build

CITY = read_city(ROOT / "config" / "city.yaml")


def digest(city: DemoCity) -> str:
    out = hashlib.sha256()
    for name in sorted(city.tables):
        table = city.tables[name]
        out.update(name.encode())
        out.update(pd.util.hash_pandas_object(pd.DataFrame(table.drop(columns="geometry", errors="ignore")).astype(str), index=False).to_numpy().tobytes())
        if "geometry" in table:
            out.update(b"".join(shapely.to_wkb(table.geometry.to_numpy())))
    out.update(repr([(e.kind, str(e.at), e.predecessors, e.successors) for e in city.lineage]).encode())
    return out.hexdigest()


@pytest.mark.slow
def test_the_same_seed_makes_the_same_city() -> None:
    """In another process, whose sets and dictionaries of texts are ordered otherwise."""
    code = ("import importlib.util as u; s = u.spec_from_file_location('demo_city', r'" + __file__ + "'); "
            "t = u.module_from_spec(s); s.loader.exec_module(t); print(t.digest(t.build(t.CITY, 42)))")
    other = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": "7", "PATH": ""})
    assert other.stdout.strip() == digest(build(CITY, 42))
