"""The problem document of a failed job: kept with it, in both languages, until somebody asks for the result in one."""

from __future__ import annotations

import logging
from typing import Any

from gisserver.errors import code_of, status_of
from gisserver.wording import problem_title, sentence
from layers.errors import StoreError

__all__ = ["in_language", "problem_of"]

LOGGER = logging.getLogger(__name__)


def problem_of(error: Exception) -> dict[str, Any]:
    """Make the problem document of an error; `title` and `detail` are {"en", "zh"}.

    What went wrong inside the process is logged and not told.
    """
    status, code = status_of(error), code_of(error)
    document: dict[str, Any] = {"type": f"urn:gis:problem:{code}", "status": status,
                                "title": {language: problem_title(code, language) for language in ("en", "zh")}}
    if code == "internal":
        LOGGER.error("a process failed", exc_info=error)
        return document | {"detail": {"en": "The process made a mistake; its operators find it in the log.", "zh": "处理程序内部错误，详情见服务日志。"}}
    document["detail"] = {language: sentence(error, language) for language in ("en", "zh")}
    if isinstance(error, StoreError):
        document |= {k: v for k, v in error.details().items() if k not in document or k == "type"}
    return document


def in_language(problem: dict[str, Any], language: str) -> dict[str, Any]:
    """Return a kept problem document in one language."""
    return {name: value[language] if isinstance(value, dict) and value.keys() == {"en", "zh"} else value for name, value in problem.items()}
