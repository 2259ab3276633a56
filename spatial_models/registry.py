"""The processes of the city, by id. A new process is a module of its own and a line here."""

from __future__ import annotations

from spatial_models.area_statistics import AREA_STATISTICS
from spatial_models.buffer import BUFFER
from spatial_models.change_summary import CHANGE_SUMMARY
from spatial_models.echo import ECHO
from spatial_models.process import Process

__all__ = ["PROCESSES"]

PROCESSES: dict[str, Process] = {process.id: process for process in (
    AREA_STATISTICS,
    BUFFER,
    CHANGE_SUMMARY,
    ECHO,
)}
