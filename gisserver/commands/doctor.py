"""`gis doctor`: what is amiss, and what to do."""

from __future__ import annotations

import click

from config.settings import Settings
from gisserver.exit_codes import ExitCode
from gisserver.ops.doctor import examine

__all__ = ["command"]


@click.command()
@click.pass_obj
def command(settings: Settings) -> int:
    """Look over machine, cluster, database and service; ends with 1 if something is amiss. 检查运行环境。"""
    code = ExitCode.OK
    for finding in examine(settings):
        click.echo(f"{'ok   ' if finding.is_well else 'AMISS'}  {finding.what:<14} {finding.detail}")
        if not finding.is_well:
            code = ExitCode.FAILED
    return code
