"""Small JSON bodies: checked by a model when they come, kept by nobody when they go."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.responses import Response

from gisserver.reply import dump
from gisserver.request import Request
from gisserver.wording import WrongParameter
from layers.errors import UnknownAccount

__all__ = ["Body", "answer", "done", "number", "read_body"]


class Body(BaseModel):
    """A body: unknown members are errors, values are not converted."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def read_body[T: Body](request: Request, model: type[T]) -> T:
    """Return the request's JSON body as a model. Raises WrongParameter, UnsupportedMediaType."""
    data = request.json()
    if not isinstance(data, dict):
        raise WrongParameter("body", "object")
    try:
        return model.model_validate(data)
    except ValidationError as error:
        fault = error.errors()[0]
        place = ".".join(str(part) for part in fault["loc"]) or "body"
        if fault["type"] == "missing":
            raise WrongParameter(place, "missing") from None
        if fault["type"] == "extra_forbidden":
            raise WrongParameter(place, "member", value=place, known=", ".join(model.model_fields)) from None
        raise WrongParameter(place, "kind", value=fault["msg"].removeprefix("Input should be ").removeprefix("a valid ")) from None


def answer(document: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Answer a document that nobody keeps."""
    return Response(dump(document), status, {"Cache-Control": "no-store", **(headers or {})}, "application/json")


def done(headers: dict[str, str] | None = None) -> Response:
    """Answer that it is done, without a document."""
    return Response(status_code=204, headers={"Cache-Control": "no-store", **(headers or {})})


def number(request: Request, name: str = "id") -> int:
    """Return the number that an address names; UnknownAccount where it can be none."""
    text = request.path[name]
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise UnknownAccount(f"There is no '{text}'.")
    return int(text)
