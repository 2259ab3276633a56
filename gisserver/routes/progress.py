"""`/api/progress`: how construction projects should be, and how they are, on any day; the dates that an animation is made of."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from starlette.responses import Response
from starlette.routing import Route

from gisserver.endpoint import route
from gisserver.ogc.questions import known_at
from gisserver.parameters import Parameters, box_of_degrees, integer
from gisserver.reply import reply_document
from gisserver.request import Request
from gisserver.routes.progress_works import MOST_DRAWN, Project, chosen, programmes
from gisserver.wording import WrongParameter
from layers.moments import parse_moment
from spatial_models.progress import GRACE_DAYS, SHARES, TOLERANCE_DAYS, TOLERANCE_POINTS, Comparison, Curve, compare

if TYPE_CHECKING:
    from gisserver.context import Context

__all__ = ["MOST_PROJECTS", "routes"]

MOST_PROJECTS = 50
RULE = {"en": "Linear between records; nothing before works begin; after the last record it stays as recorded; of days to come only the plan is known. "
              "Without records milestones stand for them: start 0 %, presale permit 50 %, joint acceptance 100 %. "
              "For 100 days after the last record it is compared with the plan of its own day, later with that of the day shown.",
        "zh": "两次记录之间按线性内插；开工前为零；最后一次记录之后保持该记录，不作推算；未来日期只有计划。没有进度记录的，以里程碑代之：开工 0%、预售许可 50%、联合验收 100%。最后一次记录之后 100 天内，与该记录当日的计划比较；再往后与所看日期的计划比较。"}


def progress(request: Request) -> Response:
    """Answer plan and fact of some projects, or of those in a box, on a day."""
    p, context = request.parameters, request.context
    request.format(("json",))
    layer = context.layer_for(request.audience, "project")
    fids, box = p.take_as("project", _fids), p.take_as("bbox", box_of_degrees)
    limit = p.take_integer("limit", 20, 1, MOST_PROJECTS)
    drawn = p.take_flag("buildings")
    known = known_at(request)
    # Days of the store are days of UTC.
    today = datetime.now(UTC).date()
    day = _day(p) or today
    p.finish()
    if fids is None and box is None:
        raise WrongParameter("project", "missing")
    if fids is not None and box is not None:
        raise WrongParameter("bbox", "excludes", other="project")
    at = datetime(day.year, day.month, day.day, tzinfo=UTC)
    matched, rows, unseen = chosen(request, layer, fids, box, at, known, limit)
    found = programmes(request, rows, known, drawn)
    told, left = [], MOST_DRAWN
    for project in found:
        told.append(_told(project, day, today, drawn, left))
        left = max(0, left - len(project.buildings))
    return reply_document(request, {
        "day": day, "today": today, "tolerance": {"points": TOLERANCE_POINTS, "days": TOLERANCE_DAYS, "grace_days": GRACE_DAYS}, "shares": SHARES, "rule": RULE,
        "matched": matched, "complete": matched == len(told), "not_shown": unseen, "projects": told})


def _told(project: Project, day: date, today: date, drawn: bool, left: int) -> dict[str, Any]:
    made = project.programme
    compared = compare(made.planned, made.actual, day, today, made.recorded_until)
    told = {"fid": project.fid, "label": project.label, "stage": project.stage, **_compared(compared),
            "basis": {"planned": made.planned_basis, "actual": made.actual_basis}, "recorded_until": made.recorded_until,
            "milestones": {"count": len(project.steps), "planned": sum(s.planned is not None and s.planned <= day for s in project.steps),
                           "done": sum(s.actual is not None and s.actual <= min(day, today) for s in project.steps)},
            "floors": {"count": sum(b.floors for b in project.buildings),
                       "planned": sum(_standing(w.planned_days, day) for w in made.works),
                       "standing": sum(_standing(w.actual_days, min(day, today)) for w in made.works)},
            "curves": {"planned": _points(made.planned), "actual": _points(made.actual)}}
    if drawn:
        told["buildings"] = [building.document() | {"planned": works.planned_days, "actual": works.actual_days}
                             for building, works in list(zip(project.buildings, made.works, strict=True))[:left]]
        told["buildings_left_out"] = max(0, len(project.buildings) - left)
    return told


def _compared(found: Comparison) -> dict[str, Any]:
    def rounded(value: float | None) -> float | None:
        return None if value is None else round(value, 2)
    return {"planned_percent": rounded(found.planned), "actual_percent": rounded(found.actual), "compared_on": found.on, "points": rounded(found.points),
            "days": found.days, "state": found.state}


def _standing(days: tuple[date | None, ...], day: date) -> int:
    return sum(each is not None and each <= day for each in days)


def _points(curve: Curve) -> list[tuple[date, float]]:
    return [(day, round(value, 4)) for day, value in curve.points()]


def _fids(text: str) -> tuple[int, ...]:
    parts = [part.strip() for part in text.split(",")]
    if not 0 < len(parts) <= MOST_PROJECTS:
        raise WrongParameter("project", "range", value=len(parts), low=1, high=MOST_PROJECTS)
    found = tuple(dict.fromkeys(integer("project", part) for part in parts))
    if any(not 0 < fid < 2**53 for fid in found):
        raise WrongParameter("project", "fid", value=text[:60])
    return found


def _day(p: Parameters) -> date | None:
    text = p.take("datetime")
    return None if text is None else parse_moment(text).at.date()


def routes(context: Context) -> list[Route]:
    """Return the route of progress."""
    return [route(context, "/api/progress", progress)]
