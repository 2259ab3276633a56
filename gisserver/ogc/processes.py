"""Processes and jobs (OGC API Processes), carried from pygeoapi."""

from __future__ import annotations

import pygeoapi.api.processes as carried
from starlette.responses import Response

from gisserver.ogc.delegate import carry
from gisserver.ogc.links import REL, alternates, link
from gisserver.reply import page, reply_document
from gisserver.request import Request
from gisserver.wording import WrongParameter

__all__ = ["execution", "job", "job_results", "jobs", "process", "processes"]

FORMATS = ("json", "html")
_BODY = ("inputs", "outputs", "response")


def processes(request: Request) -> Response:
    """Answer the processes."""
    form = request.format(FORMATS)
    request.parameters.take_integer("limit", 10, 1, 1000)
    request.parameters.finish()
    listed = carry(request, carried.describe_processes).document["processes"]
    for each in listed:
        each["links"] = [link(f"{request.base}/ogc/processes/{each['id']}", "self", "json", each["title"])]
    return _answer(request, form, {"processes": listed}, "processes", "/ogc/processes")


def process(request: Request) -> Response:
    """Answer the description of one process."""
    form, name = request.format(FORMATS), request.path["process"]
    request.parameters.finish()
    document = carry(request, carried.describe_processes, name).document
    document["links"] = [link(f"{request.base}/ogc/processes/{name}/execution", f"{REL}execute", "json", "Execute")]
    return _answer(request, form, document, "process", f"/ogc/processes/{name}")


def execution(request: Request) -> Response:
    """Execute a process and answer its result."""
    request.parameters.finish()
    name = request.path["process"]
    carry(request, carried.describe_processes, name)
    request.reader.require("run_jobs")
    body = request.json()
    if not isinstance(body, dict):
        raise WrongParameter("body", "object")
    for member in body:
        # Also `subscriber`: nobody but the service decides whom the service calls.
        if member not in _BODY:
            raise WrongParameter(member, "member", value=member, known=", ".join(_BODY))
    for member in ("inputs", "outputs"):
        if not isinstance(body.get(member, {}), dict):
            raise WrongParameter(member, "object")
    if body.get("response", "raw") not in ("raw", "document"):
        raise WrongParameter("response", "choice", value=body["response"], choices="raw, document")
    answer = carry(request, carried.execute_process, name)
    return Response(answer.body, answer.status, {"Cache-Control": "no-store"}, answer.headers["Content-Type"])


def jobs(request: Request) -> Response:
    """Answer the jobs."""
    form = request.format(FORMATS)
    request.parameters.take_integer("limit", 10, 1, 1000)
    request.parameters.take_integer("offset", 0, 0, 2**31)
    request.parameters.finish()
    document = carry(request, carried.get_jobs).document
    return _answer(request, form, {"jobs": document["jobs"]}, "jobs", "/ogc/jobs")


def job(request: Request) -> Response:
    """Answer the state of a job."""
    form, name = request.format(FORMATS), request.path["job"]
    request.parameters.finish()
    return _answer(request, form, carry(request, carried.get_jobs, name, missing="no-such-job").document, "job", f"/ogc/jobs/{name}")


def job_results(request: Request) -> Response:
    """Answer the results of a job."""
    request.format(("json",))
    request.parameters.finish()
    answer = carry(request, carried.get_job_result, request.path["job"])
    return Response(answer.body, answer.status, {"Cache-Control": "no-store"}, answer.headers["Content-Type"])


def _answer(request: Request, form: str, document: dict, heading: str, path: str) -> Response:
    document["links"] = alternates(f"{request.base}{path}", FORMATS, form) + document.get("links", [])
    if form == "html":
        return page(request, "document.html", document=document, heading=heading)
    return reply_document(request, document)
