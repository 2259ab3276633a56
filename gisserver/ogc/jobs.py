"""Execution and jobs on the wire (OGC API - Processes): who asks, what they want, and where it can be had."""

from __future__ import annotations

from base64 import b64encode
from datetime import datetime
from typing import Any

from starlette.responses import Response

from gisserver.ogc.job_problems import in_language
from gisserver.ogc.links import REL, alternates, link, with_parameters
from gisserver.parameters import number
from gisserver.reply import VARY, dump, page, reply_document
from gisserver.request import Request
from gisserver.surroundings import CitySurroundings
from gisserver.wording import WrongParameter
from layers.moments import parse_interval, parse_moment
from spatial_models.jobs import (
    Asker,
    Job,
    JobFailed,
    NeedsJob,
    dismiss,
    find_job,
    find_process,
    list_jobs,
    result_of,
    run_now,
    submit,
)
from spatial_models.registry import PROCESSES
from spatial_models.running import Result

__all__ = ["accepted", "asker_of", "dismiss_job", "execution", "job", "job_results", "jobs", "preferences_of"]

FORMATS = ("json", "html")
BODY = ("inputs", "outputs", "response")
STATUSES = ("accepted", "running", "successful", "failed", "dismissed")
RESPONSES = ("raw", "document")
FILES = {"application/pdf": "pdf", "image/png": "png", "text/html": "html"}


def asker_of(request: Request) -> Asker:
    """Return who asks, as jobs know them."""
    reader = request.reader
    return Asker(reader.account_id, reader.actor, reader.audience)


def execution(request: Request) -> Response:
    """Execute a process: now, or as a job where the client or the size of the task asks for one."""
    request.parameters.finish()
    process = find_process(request.path["process"], is_offered=True)
    body = request.json()
    response = _wanted(body, process.output.name)
    context, asker, inputs = request.context, asker_of(request), body.get("inputs", {})
    preferences, surroundings = preferences_of(request), CitySurroundings(context.settings.var)
    if "respond-async" not in preferences:
        try:
            return _answer(request, run_now(context.store, context.catalogue, asker, process.id, inputs, surroundings), process.output.name, response)
        except NeedsJob:
            if preferences & {"wait", "respond-sync"}:
                raise
    return accepted(request, submit(context.store, context.catalogue, asker, process.id, inputs, {"response": response}, surroundings=surroundings))


def accepted(request: Request, made: Job) -> Response:
    """Answer that a job has been taken, and where it can be looked after."""
    headers = {"Location": f"{request.base}/ogc/jobs/{made.job_id}", "Preference-Applied": "respond-async", "Cache-Control": "no-store", "Vary": VARY}
    return Response(dump(_status(request, made)), 201, headers, "application/json")


def _wanted(body: Any, output: str) -> str:
    """Check an execution request around its inputs; return the form of the answer, 'raw' or 'document'."""
    if not isinstance(body, dict):
        raise WrongParameter("body", "object")
    for member in body:
        # Also `subscriber`: nobody but the service decides whom the service calls.
        if member not in BODY:
            raise WrongParameter(member, "member", value=member, known=", ".join(BODY))
    outputs = body.get("outputs", {})
    if not isinstance(outputs, dict):
        raise WrongParameter("outputs", "object")
    for name, how in outputs.items():
        if name != output:
            raise WrongParameter("outputs", "member", value=name, known=output)
        mode = how.get("transmissionMode", "value") if isinstance(how, dict) else None
        if mode != "value":
            raise WrongParameter("transmissionMode", "choice", value=mode, choices="value")
    response = body.get("response", "raw")
    if response not in RESPONSES:
        raise WrongParameter("response", "choice", value=response, choices=", ".join(RESPONSES))
    return str(response)


def preferences_of(request: Request) -> set[str]:
    """Return the names of the preferences of the header Prefer (RFC 7240)."""
    return {part.partition(";")[0].partition("=")[0].strip().lower() for part in (request.header("prefer") or "").split(",")}


def _answer(request: Request, result: Result, output: str, response: str) -> Response:
    body = result.body if result.layer is None else dump(_of_layer(request, result.layer))
    headers = {"Cache-Control": "no-store", "Vary": VARY}
    if result.layer is None and "json" not in result.media_type:
        return _file(result, output, response, headers)
    if response == "raw":
        return Response(body, 200, headers, result.media_type)
    return Response(b"{%s:%s}" % (dump(output), body), 200, headers, "application/json")


def _file(result: Result, output: str, response: str, headers: dict[str, str]) -> Response:
    """Answer a file, to be taken away: a page among them is no page of this service, and must not act as one."""
    if response == "document":
        document = {output: {"value": b64encode(result.body).decode(), "encoding": "base64", "mediaType": result.media_type}}
        return Response(dump(document), 200, headers, "application/json")
    suffix = FILES.get(result.media_type.partition(";")[0], "bin")
    safe = {"Content-Disposition": f'attachment; filename="{output}.{suffix}"', "Content-Security-Policy": "sandbox; default-src 'none'",
            "X-Content-Type-Options": "nosniff"}
    return Response(result.body, 200, headers | safe, result.media_type)


def _of_layer(request: Request, layer: str) -> dict[str, Any]:
    address = f"{request.base}/ogc/collections/{layer}"
    return {"layer": layer, "href": address, "type": "application/json", "rel": "collection",
            "links": [link(address, "collection", "json", layer), link(f"{address}/items", "items", "geojson"), link(f"{address}/tilejson", "tilejson", "json")]}


def jobs(request: Request) -> Response:
    """Answer the reader's jobs, newest first."""
    form, take = request.format(FORMATS), request.parameters
    limit = take.take_integer("limit", 10, 1, 1000)
    take.take_choice("type", ("process",))
    processes = [find_process(name).id for name in _listed(take.take("processID"))]
    statuses = _listed(take.take("status"))
    for status in statuses:
        if status not in STATUSES:
            raise WrongParameter("status", "choice", value=status, choices=", ".join(STATUSES))
    created = take.take_as("datetime", _span) or (None, None)
    duration_s = tuple(take.take_as(name, lambda text, name=name: number(name, text)) for name in ("minDuration", "maxDuration"))
    cursor, asker = take.take("cursor"), asker_of(request)
    take.finish()
    after = None if cursor is None else find_job(request.context.store, asker, cursor)
    found = list_jobs(request.context.store, asker, limit + 1, processes, statuses, created, duration_s, after)  # type: ignore[arg-type]
    address, shown = f"{request.base}/ogc/jobs", found[:limit]
    links = alternates(address, FORMATS, form, dict(take))
    if len(found) > limit:
        more = {name: value for name, value in take.items() if name not in ("f", "key")} | {"cursor": shown[-1].job_id, "f": form}
        links.append(link(with_parameters(address, more), "next", form))
    return _show(request, form, {"jobs": [_status(request, each) for each in shown], "links": links}, "jobs")


def _listed(text: str | None) -> list[str]:
    return [] if text is None else [part.strip() for part in text.split(",") if part.strip()]


def _span(text: str) -> tuple[datetime | None, datetime | None]:
    if "/" in text:
        return parse_interval(text)
    moment = parse_moment(text)
    return moment.at, moment.end


def job(request: Request) -> Response:
    """Answer the state of a job."""
    form = request.format(FORMATS)
    request.parameters.finish()
    found = find_job(request.context.store, asker_of(request), request.path["job"])
    document = _status(request, found) | {"inputs": found.inputs}
    document["links"] = alternates(f"{request.base}/ogc/jobs/{found.job_id}", FORMATS, form) + document["links"]
    return _show(request, form, document, "job")


def job_results(request: Request) -> Response:
    """Answer the result of a job, or the problem it failed with."""
    request.format(("json",))
    request.parameters.finish()
    store, asker, job_id = request.context.store, asker_of(request), request.path["job"]
    try:
        result = result_of(store, asker, job_id)
    except JobFailed as failed:
        problem = in_language(failed.problem, request.language) | {"instance": f"/ogc/jobs/{job_id}/results"}
        return Response(dump(problem), problem["status"], {"Cache-Control": "no-store", "Content-Language": request.language, "Vary": VARY},
                        "application/problem+json")
    found = find_job(store, asker, job_id)
    return _answer(request, result, find_process(found.process).output.name, found.options.get("response", "raw"))


def dismiss_job(request: Request) -> Response:
    """Cancel a job, or throw away what it left."""
    request.parameters.finish()
    found = dismiss(request.context.store, asker_of(request), request.path["job"])
    return Response(dump(_status(request, found)), 200, {"Cache-Control": "no-store", "Vary": VARY}, "application/json")


def _show(request: Request, form: str, document: dict[str, Any], heading: str) -> Response:
    if form == "html":
        return page(request, "document.html", document=document, heading=heading)
    return reply_document(request, document)


def _status(request: Request, found: Job) -> dict[str, Any]:
    """Return a job as the standard's statusInfo, with what else is worth knowing."""
    address, language = f"{request.base}/ogc/jobs/{found.job_id}", request.language
    problem = None if found.error is None else in_language(found.error, language)
    message = problem["detail"] if problem else None if found.message is None else found.message.get(language)
    times = {"created": found.created_at, "started": found.started_at, "finished": found.finished_at, "updated": found.updated_at,
             "expires": found.expires_at}
    links = [link(f"{request.base}/ogc/jobs", "up", "json")]
    if found.process in PROCESSES:
        links.append(link(f"{request.base}/ogc/processes/{found.process}", "process", "json"))
    if found.status in ("successful", "failed"):
        links.append(link(f"{address}/results", f"{REL}results", found.media_type or "application/problem+json"))
    if found.status == "successful" and found.layer is not None:
        links.append(link(f"{request.base}/ogc/collections/{found.layer}", "collection", "json"))
    document: dict[str, Any] = {"jobID": found.job_id, "processID": found.process, "type": "process", "status": found.status,
                                "progress": found.progress, "message": message, "attempt": found.attempt, "askedBy": found.actor,
                                "layer": found.layer if found.status == "successful" else None, "problem": problem,
                                **{name: value.isoformat().replace("+00:00", "Z") for name, value in times.items() if value is not None}}
    return {name: value for name, value in document.items() if value is not None} | {"links": links}
