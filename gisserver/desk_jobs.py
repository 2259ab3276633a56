"""Jobs of the desk: sheets of paper and reports, in the queue of the processes, with addresses of their own.

To import this module is to have them in the queue: servers put them in, workers take them out.
"""

from __future__ import annotations

from typing import Any, Literal

from gisserver.reports.making import ReportMaker
from gisserver.reports.wish import ReportWish
from gisserver.sheets.asking import Asking
from gisserver.sheets.wish import Wish
from gisserver.surroundings import CitySurroundings
from layers.accounts import account
from layers.errors import Unavailable
from spatial_models.process import File, Inputs, Output, Process, Task, given
from spatial_models.registry import OTHERS
from spatial_models.running import Reading
from spatial_models.words import Words

__all__ = ["PRINT", "REPORT", "asking_of"]


class DeskInputs(Inputs):
    """A wish as `/api/print` or `/api/reports` takes it, checked there, and the language of the words."""

    wish: dict[str, Any] = given(Words("Wish", "要求"), Words("What the address takes", "与接口的请求体相同"))
    language: Literal["zh", "en"] = given(Words("Language", "语言"), Words("Of the words", "文字的语言"), "zh")


def asking_of(task: Task, language: str) -> Asking:
    """Return for whom a job makes something. Raises Unavailable where it does not run for a city with files."""
    if not (isinstance(task, Reading) and isinstance(task.surroundings, CitySurroundings)):
        raise Unavailable("This process runs in a city's worker only.")
    name = "" if task.account_id is None else account(task.store, task.account_id).display_name
    return Asking(task.store, task.catalogue, task.audience, task.surroundings.var, language, name)


def _print(task: Task, inputs: DeskInputs) -> File:
    from gisserver.sheets.making import SheetMaker  # and the packages of PDF with it, which only sheets need

    wish = Wish.model_validate(inputs.wish)
    made = SheetMaker(asking_of(task, inputs.language), wish).make(task.progress)
    return File(made.media_type, made.body)


PRINT = Process(
    id="print",
    title=Words("Print", "打印出图"),
    description=Words("Makes a sheet or an atlas at true scale.", "按真实比例尺制作图幅或图册。"),
    inputs=DeskInputs,
    output=Output("map", Words("Map", "地图"), Words("PDF or PNG", "PDF 或 PNG 文件"), {"type": "string", "contentEncoding": "binary"}, "application/pdf"),
    run=_print,
    capability=None,
    is_private=True,
    time_limit_s=900,
    attempts=2,
)


def _report(task: Task, inputs: DeskInputs) -> File:
    wish = ReportWish.model_validate(inputs.wish)
    return File("text/html", ReportMaker(asking_of(task, inputs.language), wish).make(task.progress))


REPORT = Process(
    id="report",
    title=Words("Report", "地图报告"),
    description=Words("Makes one HTML file of layers, with cards, legends and tables, that stands alone.", "生成可独立打开的 HTML 地图报告，含要素卡片、图例与统计表。"),
    inputs=DeskInputs,
    output=Output("report", Words("Report", "报告"), Words("HTML", "HTML 文件"), {"type": "string"}, "text/html"),
    run=_report,
    capability="export",
    is_private=True,
    time_limit_s=600,
    attempts=2,
)

OTHERS.update({PRINT.id: PRINT, REPORT.id: REPORT})
