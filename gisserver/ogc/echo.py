"""The echo process: gives back what it gets, after a pause. Clients and conformance suites try their skills on it."""

from __future__ import annotations

import math
import time
from typing import Any

from pygeoapi.process.base import BaseProcessor, ProcessorExecuteError

__all__ = ["Echo"]

LONGEST_PAUSE_S = 10.0
LONGEST_TEXT = 10_000

METADATA: dict[str, Any] = {
    "id": "echo", "version": "1.0.0",
    "title": {"en-US": "Echo", "zh-CN": "回显"},
    "description": {"en-US": "Gives back its input, after a pause.", "zh-CN": "在停顿之后返回输入。"},
    "keywords": ["echo"], "links": [], "jobControlOptions": ["sync-execute"], "outputTransmission": ["value"],
    "inputs": {
        "echo": {"title": "echo", "description": "The text to give back.", "minOccurs": 1, "maxOccurs": 1,
                 "schema": {"type": "string", "maxLength": LONGEST_TEXT}},
        "pause": {"title": "pause", "description": "Seconds to wait before.", "minOccurs": 0, "maxOccurs": 1,
                  "schema": {"type": "number", "minimum": 0, "maximum": LONGEST_PAUSE_S, "default": 0}}},
    "outputs": {"echo": {"title": "echo", "description": "The same text.", "schema": {"type": "string"}}},
    "example": {"inputs": {"echo": "Hello 你好"}},
}


class Echo(BaseProcessor):
    """Give back the input `echo` after `pause` seconds (at most LONGEST_PAUSE_S)."""

    def __init__(self, processor_def: dict[str, Any]) -> None:
        super().__init__(processor_def, METADATA)

    def execute(self, data: dict[str, Any], outputs: Any = None) -> tuple[str, dict[str, Any]]:
        """Return ('application/json', {"echo": text}). Raises ProcessorExecuteError for inputs that do not fit."""
        text, pause = data.get("echo"), data.get("pause", 0)
        if not isinstance(text, str) or len(text) > LONGEST_TEXT:
            raise ProcessorExecuteError(f"input 'echo' must be a text of at most {LONGEST_TEXT} characters")
        if isinstance(pause, bool) or not isinstance(pause, int | float) or not math.isfinite(pause) or not 0 <= pause <= LONGEST_PAUSE_S:
            raise ProcessorExecuteError(f"input 'pause' must be a number of seconds from 0 to {LONGEST_PAUSE_S:g}")
        for name in data.keys() - {"echo", "pause"}:
            raise ProcessorExecuteError(f"there is no input '{name}'")
        time.sleep(pause)
        return "application/json", {"echo": text}
