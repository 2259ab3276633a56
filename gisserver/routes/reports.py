"""`/api/reports`: the map as one HTML file that stands alone; made at once, or by a job that tells how far it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.routing import Route

from gisserver.desk_jobs import REPORT
from gisserver.endpoint import route
from gisserver.ogc.jobs import accepted, asker_of, preferences_of
from gisserver.reports.making import ReportMaker
from gisserver.reports.wish import ReportWish
from gisserver.request import Request
from gisserver.routes.bodies import read_body
from gisserver.sheets.asking import Asking
from gisserver.surroundings import CitySurroundings
from layers.audit import record
from spatial_models.jobs import submit

if TYPE_CHECKING:
    from gisserver.context import Context

__all__ = ["routes"]

# A page with scripts of its own is taken away; here it is no page of this service and must not act as one.
ALONE = {"Content-Disposition": 'attachment; filename="report.html"', "Content-Security-Policy": "sandbox; default-src 'none'",
         "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}


def post_report(request: Request) -> Response:
    """Make a report; with `Prefer: respond-async` a job makes it."""
    request.parameters.finish()
    reader, context = request.reader, request.context
    reader.require("export")
    wish = read_body(request, ReportWish)
    for name in (*(each.layer for each in wish.layers), *([wish.imagery] if wish.imagery else [])):
        # Looks in the catalogue again where another process may just have made the layer.
        request.layer_called(name)
    asking = Asking(context.store, context.catalogue, request.audience, context.settings.var, request.language,
                    reader.display_name or reader.username or reader.actor)
    maker = ReportMaker(asking, wish)
    record(context.store, reader.acting(request.scope), "export", detail={
        "kind": "report", "layers": [q.layer.id for q in maker.queries], "bbox": wish.bbox, "datetime": wish.datetime})
    if "respond-async" in preferences_of(request):
        inputs = {"wish": wish.model_dump(mode="json", exclude_defaults=True), "language": request.language}
        made = submit(context.store, context.catalogue, asker_of(request), REPORT.id, inputs, surroundings=CitySurroundings(context.settings.var))
        return accepted(request, made)
    return Response(maker.make(), 200, ALONE, "text/html")


def routes(context: Context) -> list[Route]:
    """Return the route of reports."""
    # Reading all that is in one takes its time; it must not hold the threads of everything else.
    return [route(context, "/api/reports", post_report, ("POST",), context.delegate_threads)]
