"""The processes of the city and their descriptions (OGC API - Processes)."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from gisserver.ogc.links import REL, alternates, link
from gisserver.reply import page, reply_document
from gisserver.request import Request
from spatial_models.jobs import find_process
from spatial_models.registry import PROCESSES

__all__ = ["process", "processes"]

FORMATS = ("json", "html")


def processes(request: Request) -> Response:
    """Answer the processes."""
    form = request.format(FORMATS)
    limit = request.parameters.take_integer("limit", 100, 1, 1000)
    request.parameters.finish()
    listed = []
    for each in list(PROCESSES.values())[:limit]:
        shown = {name: value for name, value in each.describe(_language(request, form)).items() if name not in ("inputs", "outputs", "example")}
        listed.append(shown | {"links": [link(f"{request.base}/ogc/processes/{each.id}", "self", "json", shown["title"])]})
    return _answer(request, form, {"processes": listed}, "processes", f"{request.base}/ogc/processes", [])


def process(request: Request) -> Response:
    """Answer the description of one process."""
    form = request.format(FORMATS)
    request.parameters.finish()
    described = find_process(request.path["process"], is_offered=True).describe(_language(request, form))
    address = f"{request.base}/ogc/processes/{described['id']}"
    more = [link(f"{address}/execution", f"{REL}execute", "json", "Execute"), link(f"{request.base}/ogc/jobs", f"{REL}job-list", "json", "Jobs"),
            link(f"{request.base}/ogc/processes", "up", "json", "Processes")]
    return _answer(request, form, described, "process", address, more)


def _language(request: Request, form: str) -> str:
    return request.page_language if form == "html" else request.language


def _answer(request: Request, form: str, document: dict[str, Any], heading: str, address: str, more: list[dict[str, Any]]) -> Response:
    document["links"] = alternates(address, FORMATS, form) + more
    if form == "html":
        return page(request, "document.html", document=document, heading=heading)
    return reply_document(request, document)
