"""What changes over time: counts by period for the time bar, and the list of differences between two moments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.routing import Route

from gisserver.endpoint import route
from gisserver.ogc.questions import known_at
from gisserver.parameters import Parameters, box_of_degrees
from gisserver.reply import reply_document
from gisserver.request import Request
from gisserver.routes.change_file import MOST_IN_FILE, change_file
from gisserver.wording import WrongParameter
from layers.change_counts import MOST_PERIODS, Period, change_counts, periods_between, whole
from layers.change_list import change_list
from layers.moments import parse_moment
from layers.query import ItemQuery

if TYPE_CHECKING:
    from datetime import datetime

    from gisserver.context import Context

__all__ = ["routes"]

MAX_LISTED = 1000
KINDS = ("built", "ended", "changed")
PERIODS: tuple[Period, ...] = ("year", "month", "day")


def counts(request: Request) -> Response:
    """Answer how many features of some layers begin, end and change by year, month or day."""
    p, context, audience = request.parameters, request.context, request.audience
    request.format(("json",))
    stored = [layer for layer in context.readable(audience) if layer.is_stored]
    names = p.take_names("layers", "*", (layer.id for layer in stored))
    begin, end = _moments(p)
    box = p.take_as("bbox", box_of_degrees)
    period = p.take_choice("step", PERIODS, "year")
    known = known_at(request)
    p.finish()
    if names is None:
        raise WrongParameter("layers", "missing")
    assert period in PERIODS
    if not begin < end:
        raise WrongParameter("to", "kind", value="later than 'from'")
    if (many := periods_between(begin, end, period)) > MOST_PERIODS:
        raise WrongParameter("step", "range", value=many, low=1, high=MOST_PERIODS)
    layers = [layer for layer in stored if layer.id in names]
    if box is not None and (flat := next((layer for layer in layers if layer.geometry is None), None)):
        raise WrongParameter("bbox", "geometry_kind", layer=flat.id)
    found = change_counts(context.store, (ItemQuery(layer, audience, bbox=box, known_at=known) for layer in layers), begin, end, period)
    return reply_document(request, {"from": begin, "to": end, "step": period, "layers": [layer.id for layer in layers],
                                    "total": whole(found.values())._asdict(),
                                    "periods": [{"from": day.isoformat(), **each._asdict()} for day, each in found.items()]})


def diff(request: Request) -> Response:
    """Answer what was built, ended and changed in a layer between two moments of valid time, and how many in all."""
    p, context = request.parameters, request.context
    form = request.format(("json", "csv", "geojson"))
    name = p.take("layer")
    limit = p.take_integer("limit", MAX_LISTED, 1, 10_000)
    box, geometry = p.take_as("bbox", box_of_degrees), p.take_flag("geometry")
    kinds = p.take_names("change", "diff", KINDS)
    first, last = _moments(p)
    p.finish()
    if not name:
        raise WrongParameter("layer", "missing")
    layer = context.layer_for(request.audience, name)
    if form != "json":
        request.reader.require("export")
        limit, geometry = MOST_IN_FILE, form == "geojson"
    found = change_list(context.store, layer, request.audience, first, last, box, limit, geometry, kinds)
    wanted = sum(count for kind, count in found.counts._asdict().items() if kinds is None or kind in kinds)
    if form != "json":
        return change_file(request, layer, found, form, wanted)
    return reply_document(request, {"layer": layer.id, "from": first, "to": last, "counts": found.counts._asdict(),
                                    "differences": found.differences, "complete": len(found.differences) == wanted})


def _moments(p: Parameters) -> tuple[datetime, datetime]:
    begin, end = p.take("from"), p.take("to")
    for parameter, text in (("from", begin), ("to", end)):
        if not text:
            raise WrongParameter(parameter, "missing")
    return parse_moment(begin or "", "from").at, parse_moment(end or "", "to").at


def routes(context: Context) -> list[Route]:
    """Return the routes of changes over time."""
    return [route(context, "/api/changes/counts", counts), route(context, "/api/diff", diff)]
