"""A town worked by hand, behind a real server process, and people with keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from gisserver.identity import ROLES
from layers.access import OWNER
from layers.accounts import create_account
from layers.audit import Actor
from layers.catalogue import Catalogue
from layers.edits import Changeset, Edit, apply_changeset
from layers.keys import create_key
from layers.roles import read_roles
from layers.store import Store
from tests.gisserver.outside_fake import Fake, serving

PASSWORD = "correct horse 9 battery"
WEST, EAST = "110102", "110101"
# Square buildings of 0.001 degree; (name, x, y, use, height, district's code)
BUILDINGS = [(f"{n}号楼", 116.30 + 0.01 * n, 39.90, "residential" if n % 2 else "office", 3.0 * n, WEST if n < 10 else EAST)
             for n in range(1, 13)]

As = Callable[[str], httpx.Client]


@dataclass
class Town:
    """What the town is made of: number of each feature by name, and of each changeset by what it did."""

    fids: dict[str, int] = field(default_factory=dict)
    seqs: dict[str, int] = field(default_factory=dict)


def square(x: float, y: float, side: float = 0.001) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": [[[x, y], [x + side, y], [x + side, y + side], [x, y + side], [x, y]]]}


def building(name: str, x: float, y: float, use: str = "residential", height_m: float | None = 10.0, **others: Any) -> dict[str, Any]:
    return {"type": "Feature", "geometry": square(x, y),
            "properties": {"source_id": name, "name": name, "status": "in_use", "use": use, "height_m": height_m, **others}}


@pytest.fixture(scope="module")
def town(store: Store, catalogue: Catalogue) -> Town:
    """Two districts; twelve buildings since 2000; 1号楼 renamed 老楼 in 2010, 2号楼 ended in 2015, 规划楼 planned for 2050."""
    made = Town()

    def write(what: str, *edits: Edit, reason: str = "town") -> None:
        applied = apply_changeset(store, catalogue, OWNER, Changeset(edits, "town clerk", reason))
        made.seqs[what] = applied.seq
        for edit, fid in zip(edits, applied.fids, strict=True):
            if edit.op == "create" and edit.properties:
                made.fids[edit.properties["name"]] = fid

    def create(layer: str, properties: dict[str, Any], geometry: Any, since: str) -> Edit:
        return Edit(layer, "create", properties=properties, geometry=geometry, valid_from=since)

    write("districts", *(create("district", {"name": name, "district_code": code}, {"type": "Polygon", "coordinates": [
        [[a, 39.8], [b, 39.8], [b, 40.08], [a, 40.08], [a, 39.8]]]}, "1980")
        for name, code, a, b in (("西区", WEST, 116.2, 116.395), ("东区", EAST, 116.395, 116.62))))
    features = [building(name, x, y, use, height) for name, x, y, use, height, _ in BUILDINGS]
    write("buildings", *(create("building", f["properties"], f["geometry"], "2000") for f in features))
    write("renamed", Edit("building", "put", fid=made.fids["1号楼"], properties={"name": "老楼"}, partial=True, valid_from="2010-06"))
    write("ended", Edit("building", "retire", fid=made.fids["2号楼"], valid_from="2015-01-01"))
    planned = building("规划楼", 116.5, 39.95, height_m=99.0)
    write("planned", create("building", planned["properties"], planned["geometry"], "2050"))
    return made


def key_for(store: Store, catalogue: Catalogue, role: str) -> str:
    """Make an account of a role, limited to the west where the role is limited by district, and return a key of it."""
    roles = read_roles(ROLES, catalogue.layers)
    found = create_account(store, roles, Actor("test"), f"{role}_1", PASSWORD, [role], districts=[WEST])
    return create_key(store, Actor(found.username, found.account_id), found.account_id, "test", None, 30, True)[0]


@pytest.fixture(scope="module")
def http(live_server: Any, town: Town) -> Iterator[httpx.Client]:
    """A client that shows nothing: the public."""
    with httpx.Client(base_url=live_server.url, timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def as_role(live_server: Any, town: Town, store: Store, catalogue: Catalogue) -> Iterator[As]:
    """A client for each role, by key: `as_role("editor")`; for a district's officer `as_role("housing_officer")`."""
    made: dict[str, httpx.Client] = {}

    def client(role: str) -> httpx.Client:
        if role not in made:
            key = key_for(store, catalogue, role)
            made[role] = httpx.Client(base_url=live_server.url, timeout=30, headers={"Authorization": f"Bearer {key}"})
        return made[role]

    yield client
    for each in made.values():
        each.close()


@pytest.fixture(scope="module")
def signed_in(live_server: Any, as_role: As) -> Iterator[As]:
    """A client with a session and its CSRF token, for what a key may not do."""
    made: list[httpx.Client] = []

    def client(role: str) -> httpx.Client:
        as_role(role)
        session = httpx.Client(base_url=live_server.url, timeout=30)
        answer = session.post("/auth/login", json={"username": f"{role}_1", "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        session.headers["X-CSRF-Token"] = answer.json()["csrf"]
        made.append(session)
        return session

    yield client
    for each in made:
        each.close()


@pytest.fixture(scope="module")
def fake() -> Iterator[Fake]:
    """A service of others on this machine, shared by the tests of one module."""
    made = Fake()
    with serving(made):
        yield made
