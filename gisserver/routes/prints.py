"""`/api/print`: a map on paper at true scale, or an atlas of features; made at once, or by a job that tells how far it is."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.routing import Route

from gisserver.desk_jobs import PRINT
from gisserver.endpoint import MAX_BODY_BYTES, Endpoint, route
from gisserver.ogc.jobs import accepted, asker_of, preferences_of
from gisserver.reply import reply_document
from gisserver.request import Request
from gisserver.routes.bodies import read_body
from gisserver.sheets.asking import Asking
from gisserver.sheets.paper import PAPERS, paper_of
from gisserver.sheets.wish import MOST_PAGES, SCALES, Wish
from gisserver.surroundings import CitySurroundings
from layers.audit import record
from layers.errors import Forbidden, NotAuthenticated
from spatial_models.jobs import submit

if TYPE_CHECKING:
    from gisserver.context import Context

__all__ = ["MOST_PAGES", "PrintEndpoint", "routes"]

# Sheets that wait for services of others do so in threads of their own, for no longer than this (s) all pages together.
OTHERS_THREADS, OTHERS_S = 2, 60.0
# What names a layer of others, which may also be written with \u in it.
_OTHERS = re.compile(rb"out_[0-9a-f]{20}|\\")


def papers(request: Request) -> Response:
    """Answer the sheets there are, and how large the map is on each."""
    request.format(("json",))
    request.parameters.finish()
    found = [paper_of(name, orientation) for name in PAPERS for orientation in ("portrait", "landscape")]       # type: ignore[arg-type]
    return reply_document(request, {"papers": [
        {"paper": p.name, "orientation": p.orientation, "width_mm": p.width_mm, "height_mm": p.height_mm,
         "map_width_mm": round(p.width, 3), "map_height_mm": round(p.height, 3)} for p in found],
        "scales": {"minimum": SCALES[0], "maximum": SCALES[1]}, "most_pages": MOST_PAGES})


def post_print(request: Request) -> Response:
    """Make a sheet, or one for each feature of an atlas, as PDF (vectors) or PNG; with `Prefer: respond-async` a job makes it."""
    # The packages of PDF come with it: 45 MB that a server of which nobody prints does without.
    from gisserver.sheets.making import SheetMaker

    request.parameters.finish()
    if request.is_public:
        raise NotAuthenticated("Sign in first.")
    wish, context = read_body(request, Wish), request.context
    named = [*(each.layer for each in (*wish.layers, *wish.themes)), *(each.layer for each in (wish.atlas, wish.imagery) if each is not None)]
    for name in named:
        # Looks in the catalogue again where another process may just have made the layer.
        request.layer_called(name)
    reader = request.reader
    if wish.outside and reader.must_change:
        raise Forbidden("Change the first password before anything else.", "请先修改首次登录密码。")
    asking = Asking(context.store, context.catalogue, request.audience, context.settings.var, request.language,
                    reader.display_name or reader.username or reader.actor)
    maker = SheetMaker(asking, wish, context.outside)
    record(context.store, reader.acting(request.scope), "export", detail={
        "kind": "print", "paper": wish.paper, "scale": wish.scale, "pages": len(maker.pages), "layers": [q.layer.id for q in maker.queries],
        **({"outside": [each.layer for each in wish.outside]} if wish.outside else {})})
    if "respond-async" in preferences_of(request):
        inputs = {"wish": wish.model_dump(mode="json", exclude_defaults=True), "language": request.language}
        made = submit(context.store, context.catalogue, asker_of(request), PRINT.id, inputs, surroundings=CitySurroundings(context.settings.var))
        return accepted(request, made)
    made = maker.make(others_s=OTHERS_S)
    name = f"map-{wish.paper}-{wish.scale:.0f}.{wish.format}"
    return Response(made.body, 200, {"Cache-Control": "no-store", "Content-Disposition": f'attachment; filename="{name}"'}, made.media_type)


class PrintEndpoint(Endpoint):
    """The endpoint of sheets. Drawing takes its time and must not hold the threads of everything else; waiting for others not those of drawing."""

    def __init__(self, context: Context) -> None:
        super().__init__(post_print, context, context.delegate_threads)
        self.others = ThreadPoolExecutor(OTHERS_THREADS, "print-others")

    def threads_for(self, request: Request) -> ThreadPoolExecutor:
        return self.others if _OTHERS.search(request.body) and "respond-async" not in preferences_of(request) else self.threads


def routes(context: Context) -> list[Route]:
    """Return the routes of printing."""
    return [route(context, "/api/print", papers),
            Route("/api/print", PrintEndpoint(context), methods=["POST"], name="post_print", max_body_size=MAX_BODY_BYTES)]
