"""A layer of tenants in two districts with a personal field, behind the application, and people who ask for it."""

from __future__ import annotations

from itertools import count
from typing import Any

from config.settings import Settings
from gisserver.asgi import open_context
from gisserver.context import Context
from gisserver.identity import Identity
from layers.accounts import create_account
from layers.audit import Actor
from layers.layer import parse_layer
from layers.plan import register
from layers.staging import Batch
from layers.store import Store
from tests.gisserver.in_process import InProcess

__all__ = ["ADMIN", "ITEMS", "NUMBERS", "OTHER", "OWN", "PASSWORD", "PERSON", "person", "sign_in", "tenants"]

ADMIN = Actor("machine")
PASSWORD, OTHER = "Wutong-Shu-7", "Yinxing-Ye-88"
NUMBERS = count(1)
ROWS = 6
TEXT = {"zh": "字", "en": "Text"}
# A layer like the bureau's own: personal field, district, graded.
PERSON = {"id": "tenant", "title": {"zh": "租户", "en": "Tenant"}, "born": "runtime", "group": "housing", "grade": "L3", "geometry": "Point",
          "district": "district_code", "label": "flat",
          "fields": [{"name": "flat", "type": "string", "title": TEXT}, {"name": "district_code", "type": "string", "title": TEXT},
                     {"name": "tenant_name", "type": "string", "title": TEXT, "personal": True}]}
# What every feature has beside its layer's fields.
OWN = {"version", "valid_from", "valid_to"}
ITEMS = "/ogc/collections/tenant/items"


def tenants(store: Store) -> Context:
    """The service over a store with tenants in districts 01 and 02, three each."""
    layer = parse_layer(PERSON)
    register(store, layer)
    with Batch(store) as batch:
        first = batch.reserve_fids(ROWS)
        batch.copy(layer, ["geom", "flat", "district_code", "tenant_name"], (
            (i, "n", first + i, "[2000-01-01T00:00Z,)", "d", "s", None, f"SRID=4490;POINT(116.{30 + i} 39.9)", f"flat {i}", f"0{i % 2 + 1}", f"Tenant {i}")
            for i in range(ROWS)))
        batch.apply("tester", "first load")
    made = open_context(Settings(database_url=store.dsn))
    rules = made.identity.roles.model_dump()
    rules["roles"]["housing_officer"]["layers"]["tenant"] = {"read": "all", "edit": "districts", "personal": "districts"}
    rules["roles"]["inspector"]["layers"]["tenant"] = {"read": "districts"}
    made.identity = Identity(store, type(made.identity.roles).model_validate(rules), made.catalogue)
    return made


def person(store: Store, context: Context, *roles: str, districts: Any = ("01",)) -> str:
    name = f"person{next(NUMBERS)}"
    create_account(store, context.identity.roles, ADMIN, name, PASSWORD, roles, districts)
    return name


def sign_in(client: InProcess, name: str, password: str = PASSWORD) -> dict[str, Any]:
    answer = client.post("/auth/login", json={"username": name, "password": password})
    assert answer.status_code == 200, answer.text
    client.headers["x-csrf-token"] = answer.json()["csrf"]
    return answer.json()
