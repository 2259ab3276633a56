"""`gis cluster`: start and stop the private cluster by itself, for work on the data without the services."""

from __future__ import annotations

import click

from config.settings import Settings
from gisserver.exit_codes import ExitCode
from gisserver.ops.city_cluster import make_cluster, read_cluster

__all__ = ["command"]


@click.group()
def command() -> None:
    """Start, stop or show the private PostgreSQL cluster. 启动、停止或查看专用数据库。"""


@command.command()
@click.pass_obj
def start(settings: Settings) -> None:
    """Start the cluster (made when missing) and leave it running."""
    cluster = read_cluster(settings.var) or make_cluster(settings.var)
    started = cluster.start()
    cluster.ensure_database()
    click.echo(("Started. " if started else "Runs already. ") + cluster.dsn())


@command.command()
@click.pass_obj
def stop(settings: Settings) -> None:
    """Stop the cluster. Open connections are ended, their transactions rolled back."""
    cluster = read_cluster(settings.var)
    click.echo("Stopped." if cluster and cluster.stop() else "The cluster was not running.")


@command.command()
@click.pass_obj
def status(settings: Settings) -> int:
    """Show where the cluster is and whether it answers. Ends with 69 if it does not."""
    cluster = read_cluster(settings.var)
    if cluster is None:
        click.echo(f"There is no cluster in {settings.var}.")
        return ExitCode.UNAVAILABLE
    answers = cluster.answers()
    click.echo(f"{'answers' if answers else 'down'}: {cluster.dsn()}\ndata: {cluster.data}")
    return ExitCode.OK if answers else ExitCode.UNAVAILABLE
