"""The OpenAPI document tells the truth: schemathesis asks what it promises."""

from __future__ import annotations

import re
from typing import Any

import httpx
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.gisserver.conftest import As, Town

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_headers_conformance, response_schema_conformance,
          allow_header_conformance]
# One layer of each kind stands for all: their paths are made by the same function.
LAYERS = "building|unit_room|building_parcel"
# The catalogue takes the place of a layer of that name, whose writing its path also matches; the stream never ends.
REGEX = rf"^/(ogc$|ogc/(api|conformance|styles|processes|jobs|tileMatrixSets|tiles)|ogc/collections($|/{{|/({LAYERS}|catalogue)/)|api/(?!changes/stream)|healthz|readyz|metrics)"
SETTINGS = settings(max_examples=12, deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate],
                    suppress_health_check=list(HealthCheck))


def ask_everything(client: httpx.Client, methods: set[str]) -> int:
    """Ask each operation of a reader's document with generated parameters and bodies; return how many operations there were."""
    document = client.get("/api/openapi", params={"f": "openapi"}).json()
    headers = {"Authorization": client.headers["Authorization"]} if "Authorization" in client.headers else {}
    asked = 0
    for result in schemathesis.openapi.from_dict(document).include(path_regex=REGEX).get_all_operations():
        operation = result.ok()
        if operation.method.upper() not in methods:
            continue
        asked += 1

        @SETTINGS
        @given(case=operation.as_strategy())
        def answers_as_promised(case: Any) -> None:
            case.call_and_validate(base_url=str(client.base_url).rstrip("/"), headers=headers, checks=CHECKS)

        answers_as_promised()
    return asked


def test_the_public_gets_what_is_promised(http: httpx.Client, town: Town) -> None:
    assert ask_everything(http, {"GET"}) > 30


def test_an_editor_gets_what_is_promised(as_role: As) -> None:
    assert ask_everything(as_role("editor"), {"POST", "PUT", "PATCH", "DELETE"}) >= 12


def references(document: Any) -> set[str]:
    if isinstance(document, dict):
        own = {document["$ref"]} if isinstance(document.get("$ref"), str) else set()
        return own.union(*(references(part) for part in document.values()))
    return set().union(*(references(part) for part in document)) if isinstance(document, list) else set()


def test_every_reference_is_there(as_role: As) -> None:
    document = as_role("editor").get("/api/openapi", params={"f": "openapi"}).json()
    for reference in references(document):
        found = document
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]


def test_operations_have_names_of_their_own(as_role: As) -> None:
    document = as_role("editor").get("/api/openapi", params={"f": "openapi"}).json()
    names = [operation["operationId"] for item in document["paths"].values() for method, operation in item.items() if method != "parameters"]
    assert len(names) == len(set(names))
    for path, item in document["paths"].items():
        declared = {p["name"] for operation in item.values() if isinstance(operation, dict) for p in operation.get("parameters", ())
                    if p.get("in") == "path"} | {r["$ref"].rpartition("/")[2] for r in item.get("parameters", ())}
        declared |= {r["$ref"].rpartition("/")[2] for operation in item.values() if isinstance(operation, dict)
                     for r in operation.get("parameters", ()) if "$ref" in r}
        assert set(re.findall(r"{(\w+)}", path)) <= declared, path


def test_queryables_are_parameters_of_their_type(http: httpx.Client) -> None:
    document = http.get("/api/openapi", params={"f": "openapi"}).json()
    parameters = {p["name"]: p for p in document["paths"]["/ogc/collections/building/items"]["get"]["parameters"] if "name" in p}
    assert parameters["height_m"]["schema"] == {"type": "number"}
    assert "residential" in parameters["use"]["schema"]["enum"]
    assert "codes" not in parameters                  # hidden from the public
