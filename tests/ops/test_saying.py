"""Messages follow the reader's language, and never end what they tell about."""

from __future__ import annotations

import io
import os

import pytest
from rich.console import Console

from gisserver.ops.saying import Teller, speaks_chinese


@pytest.mark.parametrize(("environment", "expected"), [
    ({}, False),
    ({"LANG": "zh_CN.UTF-8"}, True),
    ({"LANG": "zh_CN.UTF-8", "LC_MESSAGES": "en_GB.UTF-8"}, False),
    ({"LANG": "en_GB.UTF-8", "LC_ALL": "zh_TW.UTF-8"}, True),
    ({"LANG": "", "LC_ALL": ""}, False),
])
def test_the_language_is_the_terminals(environment, expected):
    assert speaks_chinese(environment) is expected


def test_brackets_are_text():
    out = io.StringIO()
    Teller(Console(file=out, width=200), chinese=False).say("[bold]layer[/bold] [1]", "")
    assert out.getvalue() == "[bold]layer[/bold] [1]\n"


def test_a_lost_terminal_ends_nothing():
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w", buffering=1) as gone:
        teller = Teller(Console(file=gone), chinese=True)
        teller.warn("lost", "终端已断开")
        teller.say("lost", "终端已断开")
        # closing would try once more to write what nobody reads
        os.dup2(os.open(os.devnull, os.O_WRONLY), writing)
