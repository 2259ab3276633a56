"""What the commands say while they work: in Chinese where the terminal's language is Chinese, else in English."""

from __future__ import annotations

import os
from collections.abc import Mapping

from rich.console import Console

__all__ = ["Teller", "speaks_chinese"]


def speaks_chinese(environment: Mapping[str, str] = os.environ) -> bool:
    """Is the language of messages Chinese, by the usual variables in their usual order?"""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := environment.get(name):
            return value.startswith("zh")
    return False


class Teller:
    """Tells what happens, one line each, in one of the two languages."""

    def __init__(self, console: Console | None = None, chinese: bool | None = None) -> None:
        self.console = console or Console(highlight=False, soft_wrap=True)
        self.chinese = speaks_chinese() if chinese is None else chinese

    def text(self, english: str, chinese: str) -> str:
        """Return the one of two texts that the reader understands."""
        return chinese if self.chinese else english

    def say(self, english: str, chinese: str, style: str | None = None) -> None:
        """Print one line. Square brackets in it are text, not markup."""
        try:
            self.console.print(self.text(english, chinese), style=style, markup=False)
        except (OSError, SystemExit):
            # The terminal is gone (rich leaves the program then); whoever runs a city goes on running it.
            return

    def warn(self, english: str, chinese: str) -> None:
        """Print one line that somebody should notice."""
        self.say(english, chinese, style="yellow")
