"""Jobs of the desk: sheets of paper and reports, in the queue of the processes, with addresses of their own.

To import this module is to have them in the queue: servers put them in, workers take them out.
"""

from __future__ import annotations

from typing import Any, Literal

from gisserver.sheets.making import Asking, SheetMaker
from gisserver.sheets.wish import Wish
from gisserver.surroundings import CitySurroundings
from layers.accounts import account
from layers.errors import Unavailable
from spatial_models.process import File, Inputs, Output, Process, Task, given
from spatial_models.registry import OTHERS
from spatial_models.running import Reading
from spatial_models.words import Words

__all__ = ["PRINT", "asking_of"]


class PrintInputs(Inputs):
    """A wish as `/api/print` takes it, checked there, and the language of the sheet."""

    wish: dict[str, Any] = given(Words("Wish", "出图要求"), Words("What /api/print takes", "与 /api/print 的请求体相同"))
    language: Literal["zh", "en"] = given(Words("Language", "语言"), Words("Of the words on the sheet", "图面文字的语言"), "zh")


def asking_of(task: Task, language: str) -> Asking:
    """Return for whom a job makes something. Raises Unavailable where it does not run for a city with files."""
    if not (isinstance(task, Reading) and isinstance(task.surroundings, CitySurroundings)):
        raise Unavailable("This process runs in a city's worker only.")
    name = "" if task.account_id is None else account(task.store, task.account_id).display_name
    return Asking(task.store, task.catalogue, task.audience, task.surroundings.var, language, name)


def _print(task: Task, inputs: PrintInputs) -> File:
    wish = Wish.model_validate(inputs.wish)
    made = SheetMaker(asking_of(task, inputs.language), wish).make(task.progress)
    return File(made.media_type, made.body)


PRINT = Process(
    id="print",
    title=Words("Print", "打印出图"),
    description=Words("Makes a sheet or an atlas at true scale.", "按真实比例尺制作图幅或图册。"),
    inputs=PrintInputs,
    output=Output("map", Words("Map", "地图"), Words("PDF or PNG", "PDF 或 PNG 文件"), {"type": "string", "contentEncoding": "binary"}, "application/pdf"),
    run=_print,
    capability=None,
    is_private=True,
    time_limit_s=900,
    attempts=2,
)

OTHERS[PRINT.id] = PRINT
