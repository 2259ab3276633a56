"""Small JSON bodies checked by a model; the first fault names the member."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, ValidationError

from gisserver.request import Request
from gisserver.wording import WrongParameter

__all__ = ["Body", "read_body"]


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
