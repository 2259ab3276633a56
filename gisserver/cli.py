"""The command `gis`: one module per verb, and the settings read once for all of them."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import click
import psycopg

from config.settings import SettingsError, read_settings
from gisserver.commands import COMMANDS
from gisserver.exit_codes import ExitCode, exit_code
from gisserver.ops.hindrance import hindrance
from layers.errors import DefinitionError, Rejected, StoreError

__all__ = ["gis", "main"]


class Verbs(click.Group):
    """The table of commands as a click group; a module is loaded when its verb is used, so that `gis` answers at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = import_module(f"gisserver.commands.{COMMANDS[name]}").command
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        name, command, rest = super().resolve_command(ctx, args)
        # help must be had whatever the environment says
        if not ctx.obj and not {"--help", "-h"} & set(rest):
            ctx.obj, notes = read_settings(os.environ)
            for note in notes:
                click.echo(f"gis: {note}", err=True)
        return name, command, rest


@click.command(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name=None, version="0.1.0", prog_name="gis")
def gis() -> None:
    """Manage the city: its layers, data, accounts and services.

    \b
    管理城市：图层、数据、账户与服务。
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Errors of the trade end in one sentence on stderr and a named exit code."""
    try:
        result = gis.main(args=arguments, prog_name="gis", standalone_mode=False)
        return int(result) if isinstance(result, int) else ExitCode.OK
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.Abort:
        click.echo("gis: interrupted", err=True)
        return ExitCode.INTERRUPTED
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (StoreError, SettingsError) as error:
        _say(error)
        return exit_code(error)
    except (psycopg.Error, OSError) as error:
        told = hindrance(error, _var())
        if told is None:
            raise
        _say(told)
        return exit_code(told)


def _var() -> Path | None:
    try:
        return read_settings(os.environ)[0].var
    except SettingsError:
        return None


def _say(error: StoreError | SettingsError) -> None:
    if isinstance(error, Rejected):
        lines = [fault.message if fault.row is None else f"row {fault.row}: {fault.message}" for fault in error.faults]
    elif isinstance(error, (DefinitionError, SettingsError)):
        lines = error.faults
    else:
        lines = [str(error)]
    # A sentence is one line, also where a database or a parser says it in several.
    for line in lines or [str(error)]:
        click.echo(f"gis: {' '.join(line.split())}", err=True)


if __name__ == "__main__":
    sys.exit(main())
