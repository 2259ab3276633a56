"""The paths of processes and jobs in the OpenAPI document; the inputs of each process follow from its description."""

from __future__ import annotations

from typing import Any

from gisserver.ogc.openapi_parts import content, parameter, problem, problems, ref
from layers.access import Audience
from spatial_models.process import Process
from spatial_models.registry import PROCESSES

__all__ = ["process_paths"]

_TEXT, _OBJECT, _COUNT = {"type": "string"}, {"type": "object"}, {"type": "integer", "minimum": 0}
_STAMP = {"type": "string", "format": "date-time"}
_JSON, _PAGE = "application/json", "text/html"
_STATUSES = ["accepted", "running", "successful", "failed", "dismissed"]
_STATUS: dict[str, Any] = {"type": "object", "required": ["jobID", "processID", "type", "status", "links"], "properties": {
    "jobID": _TEXT, "processID": _TEXT, "type": {"type": "string", "enum": ["process"]}, "status": {"type": "string", "enum": _STATUSES},
    "progress": {"type": "integer", "minimum": 0, "maximum": 100}, "message": _TEXT, "created": _STAMP, "started": _STAMP, "finished": _STAMP,
    "updated": _STAMP, "expires": _STAMP, "attempt": _COUNT, "askedBy": _TEXT, "layer": _TEXT, "problem": _OBJECT, "inputs": _OBJECT,
    "links": {"type": "array", "items": ref("schemas", "Link")}}}


def process_paths(audience: Audience) -> dict[str, Any]:
    """Return the paths of processes and jobs, with an execution for each process that an audience may run."""
    name = parameter("process", {"type": "string", "enum": list(PROCESSES)}, "A process.", "path")
    job = parameter("job", {"type": "string", "format": "uuid"}, "A job.", "path")
    limit = parameter("limit", {"type": "integer", "minimum": 1, "maximum": 1000, "default": 10}, "At most so many.")
    seconds = {"type": "number", "minimum": 0}
    wanted = [limit, parameter("type", {"type": "string", "enum": ["process"]}, "Kind of job."),
              parameter("processID", {"type": "array", "items": {"type": "string", "enum": list(PROCESSES)}}, "Only of these.", style="form", explode=False),
              parameter("status", {"type": "array", "items": {"type": "string", "enum": _STATUSES}}, "Only these.", style="form", explode=False),
              parameter("datetime", _TEXT, "Made in this span."), parameter("minDuration", seconds, "Ran so many seconds or longer."),
              parameter("maxDuration", seconds, "Ran so many seconds or shorter."), parameter("cursor", _TEXT, "Taken from a `next` link.")]
    listed = {"type": "object", "required": ["jobs", "links"], "properties": {"jobs": {"type": "array", "items": _STATUS}}}
    state = _get("job", "A job", [job], _STATUS, ("304", "400", "404", "406"))
    state["delete"] = {"operationId": "dismiss", "tags": ["processes"], "summary": "Cancel a job, or throw away its result",
                       "parameters": [job, ref("parameters", "lang")],
                       "responses": {"200": {"description": "Dismissed.", "content": content(_STATUS, _JSON)}, **problems("400", "401", "403", "404")}}
    paths = {
        "/ogc/processes": _get("processes", "Processes", [limit], _OBJECT, ("304", "400", "406")),
        "/ogc/processes/{process}": _get("process", "A process", [name], _OBJECT, ("304", "400", "404", "406")),
        "/ogc/jobs": _get("jobs", "Jobs of the reader, newest first", wanted, listed, ("304", "400", "404", "406")),
        "/ogc/jobs/{job}": state,
        "/ogc/jobs/{job}/results": {"get": {
            "operationId": "results", "tags": ["processes"], "summary": "Result of a job",
            "parameters": [job, parameter("f", {"type": "string", "enum": ["json"]}, "Format."), ref("parameters", "lang")],
            "responses": {"200": {"description": "The result.", "content": content({}, _JSON, "application/geo+json")},
                          **problems("400", "404", "406")}}}}
    for process in PROCESSES.values():
        if process.is_open or "run_jobs" in audience.capabilities:
            paths[f"/ogc/processes/{process.id}/execution"] = {"post": _execution(process)}
    return paths


def _execution(process: Process) -> dict[str, Any]:
    described = process.describe("en")
    inputs = {name: {**_plain(each["schema"]), "description": each["description"]} for name, each in described["inputs"].items()}
    required = [name for name, each in described["inputs"].items() if each["minOccurs"]]
    mode = {"type": "object", "properties": {"transmissionMode": {"type": "string", "enum": ["value"]}}}
    body = {"type": "object", "additionalProperties": False, "required": ["inputs"], "properties": {
        "inputs": {"type": "object", "additionalProperties": False, "properties": inputs, **({"required": required} if required else {})},
        "outputs": {"type": "object", "additionalProperties": False, "properties": {process.output.name: mode}},
        "response": {"type": "string", "enum": ["raw", "document"]}}}
    sent = content(body, _JSON)
    sent[_JSON]["example"] = described["example"]
    result = content(_plain(dict(process.output.schema)), process.output.media_type) | (content({}, _JSON) if process.output.media_type != _JSON else {})
    if process.output.media_type == _JSON:
        result[_JSON]["schema"] = {}      # or, as a document, an object with the value under the output's name
    return {
        "operationId": f"execute_{process.id.replace('-', '_')}", "tags": ["processes"], "summary": described["title"],
        "description": described["description"],
        "parameters": [parameter("Prefer", _TEXT, "`respond-async` for a job; `wait` for the answer itself.", "header", example="respond-async"),
                       ref("parameters", "lang")],
        "requestBody": {"required": True, "content": sent},
        "responses": {"200": {"description": "The result.", "content": result},
                      "201": {"description": "A job; its state is at Location.", "headers": {"Location": {"schema": _TEXT}}, "content": content(_STATUS, _JSON)},
                      "429": problem("Too many open jobs."), **problems("400", "401", "403", "404", "415")}}


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema without what only people read: a value that is one of an enum is told once."""
    return {k: v for k, v in schema.items() if not (k == "oneOf" and "enum" in schema)}


def _get(name: str, summary: str, parameters: list[dict[str, Any]], schema: dict[str, Any], statuses: tuple[str, ...]) -> dict[str, Any]:
    form = parameter("f", {"type": "string", "enum": ["json", "html"]}, "Format of the answer.")
    return {"get": {"operationId": name, "tags": ["processes"], "summary": summary, "parameters": [form, *parameters, ref("parameters", "lang")],
                    "responses": {"200": {"description": summary, "content": content(schema, _JSON) | content(_TEXT, _PAGE)}, **problems(*statuses)}}}
