"""Errors on the wire: one status table, one shape (problem+json, RFC 9457)."""

from __future__ import annotations

import logging
import re
from http import HTTPStatus
from typing import Any

import orjson
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Scope

from gisserver.language import preferred_language
from gisserver.outside.faults import OutsideBusy, OutsideFailed
from gisserver.pages import render
from gisserver.wording import fault_message, problem_title, sentence
from layers import errors
from layers.accounts import SignInLocked
from spatial_models.jobs import TooManyJobs

__all__ = ["CarriedProblem", "NotAcceptable", "UnsupportedMediaType", "answer_error", "code_of", "status_of"]

LOGGER = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"
_FORMAT = re.compile(rb"(?:^|&)f=(?!html)")


class NotAcceptable(errors.StoreError):
    """None of the formats that the client accepts is offered here."""


class UnsupportedMediaType(errors.StoreError):
    """The body is in a format that is not taken here."""


class CarriedProblem(errors.StoreError):
    """A problem that a carried handler found, with its status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


# The first class an error is an instance of decides; subclasses stand before their parents.
STATUS: tuple[tuple[type[Exception], int, str], ...] = (
    (errors.Gone, 410, "gone"),
    (errors.NotFound, 404, "not-found"),
    (errors.InvalidFilter, 400, "invalid-filter"),
    (errors.InvalidParameter, 400, "invalid-parameter"),
    (errors.Rejected, 422, "rejected"),
    (errors.DefinitionError, 422, "definition"),
    (errors.Conflict, 412, "conflict"),
    (errors.UndoRefused, 409, "undo-refused"),
    (errors.PreconditionRequired, 428, "precondition-required"),
    (SignInLocked, 429, "too-many-requests"),
    (TooManyJobs, 429, "too-many-requests"),
    (OutsideBusy, 429, "too-many-requests"),
    (OutsideFailed, 502, "outside-failed"),
    (errors.NotAuthenticated, 401, "not-authenticated"),
    (errors.Forbidden, 403, "forbidden"),
    (errors.Unavailable, 503, "unavailable"),
    (NotAcceptable, 406, "not-acceptable"),
    (UnsupportedMediaType, 415, "unsupported-media-type"),
)
CODE_OF_STATUS = {404: "not-found", 405: "method-not-allowed", 413: "too-large", 401: "not-authenticated",
                  403: "forbidden", 406: "not-acceptable", 415: "unsupported-media-type", 429: "too-many-requests",
                  503: "unavailable"}


def _classify(error: Exception) -> tuple[int, str]:
    for kind, status, code in STATUS:
        if isinstance(error, kind):
            return status, code
    if isinstance(error, CarriedProblem):
        return error.status, CODE_OF_STATUS.get(error.status, "bad-request")
    if isinstance(error, HTTPException):
        return error.status_code, CODE_OF_STATUS.get(error.status_code, "bad-request")
    return 500, "internal"


def status_of(error: Exception) -> int:
    """Return the HTTP status of an error."""
    return _classify(error)[0]


def code_of(error: Exception) -> str:
    """Return the short name of the kind of problem, the last part of its `type`."""
    return _classify(error)[1]


def answer_error(scope: Scope, error: Exception, base: str = "") -> Response:
    """Make the response to a failed request: a problem document, or a page for a browser.

    `base` is that of the page's links. What went wrong inside the service (500) is logged with the request's id and not told.
    """
    status, code = _classify(error)
    if status == 405 and scope.get("method") == "OPTIONS":
        return Response(b"", 204, dict(getattr(error, "headers", None) or {}))
    request_id = scope.get("state", {}).get("request_id")
    language = preferred_language(scope)
    if status >= 500 and code == "internal":
        LOGGER.error("request %s %s %s failed", request_id, scope.get("method"), scope.get("path"), exc_info=error)
        detail = {"zh": f"请求编号 {request_id}。", "en": f"The request's id is {request_id}."}[language]
    elif isinstance(error, HTTPException):
        detail = f"{HTTPStatus(status).phrase}: {scope.get('method')} {scope.get('path')}"
    else:
        detail = sentence(error, language)
    document: dict[str, Any] = {"type": f"urn:gis:problem:{code}", "title": problem_title(code, language),
                                "status": status, "detail": detail, "instance": scope.get("path"),
                                "request_id": request_id}
    if isinstance(error, errors.StoreError):
        document |= {k: v for k, v in error.details().items() if k not in document or k == "type"}
    if language == "zh" and isinstance(error, errors.Rejected):
        document["faults"] = [fault | {"message": fault_message(fault, language), "message_en": fault["message"]}
                              for fault in document["faults"]]
    headers = {"Cache-Control": "no-store", "Content-Language": language, "Vary": "Accept, Accept-Language"}
    headers |= dict(getattr(error, "headers", None) or {})
    if status == 503:
        headers.setdefault("Retry-After", "2")
    if status == 401:
        headers.setdefault("WWW-Authenticate", 'Bearer realm="city"')
    if _wants_page(scope):
        return Response(render("error.html", language, problem=document, base=base), status, headers, "text/html")
    return Response(orjson.dumps(document, default=str), status, headers, MEDIA_TYPE)


def _wants_page(scope: Scope) -> bool:
    if _FORMAT.search(scope.get("query_string", b"")):
        return False
    accept = next((v for k, v in scope.get("headers", ()) if k == b"accept"), b"")
    return accept.startswith(b"text/html") or b",text/html" in accept
