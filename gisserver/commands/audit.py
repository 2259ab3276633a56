"""`gis audit`: read the audit and verify its chain."""

from __future__ import annotations

import json
import re
from typing import Any

import click

from config.settings import Settings
from gisserver.exit_codes import ExitCode
from gisserver.ops.database import city_store
from layers.audit import EVENTS, entries, verify

__all__ = ["command"]

NOTED = re.compile(r"([0-9]{1,18}):([0-9a-fA-F]{64})\Z")


class Noted(click.ParamType):
    """An entry's number and hash as `gis audit verify` printed them."""

    name = "id:hash"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, str]:
        found = NOTED.match(str(value))
        if not found:
            self.fail(f"'{value}' is not <id>:<hash of 64 hex digits>", param, ctx)
        return int(found[1]), found[2].lower()


@click.group()
def command() -> None:
    """Read the audit, verify its chain. 查阅和核验审计记录。"""


@command.command("verify")
@click.option("--expect", "noted", type=Noted(), multiple=True,
              help="An entry that was noted down elsewhere, <id>:<hash>; several times.")
@click.pass_obj
def verify_chain(settings: Settings, noted: tuple[tuple[int, str], ...]) -> int:
    """Walk the chain; ends with 1 at the first broken entry. Note the head it prints down elsewhere, and give it to --expect."""
    with city_store(settings) as store:
        verdict = verify(store, noted)
    if verdict.broken_id is not None:
        click.echo(f"broken at entry {verdict.broken_id}: {verdict.problem}", err=True)
        return ExitCode.FAILED
    click.echo(f"{verdict.rows} entries, whole. Head {verdict.head_id}:{verdict.head_hash}")
    return ExitCode.OK


@command.command("list")
@click.option("--event", type=click.Choice(list(EVENTS)), help="Only this kind.")
@click.option("--actor", help="Only what this account did.")
@click.option("--layer", help="Only what was done to this layer.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="At most so many, the newest.")
@click.pass_obj
def list_entries(settings: Settings, event: str | None, actor: str | None, layer: str | None, limit: int) -> None:
    """List entries, newest first, one JSON object a line."""
    with city_store(settings) as store:
        for entry in entries(store, {"event": event, "actor": actor, "layer": layer}, limit):
            click.echo(json.dumps({k: v for k, v in entry.items() if v is not None}, ensure_ascii=False, default=str))
