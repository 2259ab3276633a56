"""`gis work`: the worker that does the jobs of the processes."""

from __future__ import annotations

import logging
import signal
import sys
from types import FrameType

import click

from config.settings import Settings
from gisserver import desk_jobs
from gisserver.exit_codes import ExitCode
from gisserver.ogc.job_problems import problem_of
from gisserver.ops.database import city_dsn
from gisserver.surroundings import CitySurroundings
from layers.store import Store
from spatial_models.worker import Worker

__all__ = ["command"]


@click.command()
@click.option("--slots", type=click.IntRange(1, 64), default=2, show_default=True, help="Jobs at once.")
@click.option("--memory-mb", type=click.IntRange(256, 1_000_000), default=2048, show_default=True, help="What one job may take.")
@click.pass_obj
def command(settings: Settings, slots: int, memory_mb: int) -> int:
    """Do the jobs of the processes until told to end. 运行后台任务。

    Several workers may run at once, on one machine or on many. One that is told to end lets its jobs go on for five seconds
    and gives back to the queue what is not finished then.
    """
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    store = Store(city_dsn(settings), max_connections=4)
    worker = Worker(store, slots, problem_of, ("gisserver.cli", "gisserver.ogc.job_problems", desk_jobs.__name__), memory_mb,
                    surroundings=CitySurroundings(settings.var))

    def end(number: int, frame: FrameType | None) -> None:
        worker.stop()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, end)
    try:
        worker.run()
    finally:
        store.close()
    return ExitCode.OK
