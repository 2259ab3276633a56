"""The processes of the city, by id. A new process is a module of its own and a line here."""

from __future__ import annotations

from spatial_models.area_statistics import AREA_STATISTICS
from spatial_models.buffer import BUFFER
from spatial_models.change_summary import CHANGE_SUMMARY
from spatial_models.earthwork_process import EARTHWORK
from spatial_models.echo import ECHO
from spatial_models.process import Process
from spatial_models.section_process import SECTION
from spatial_models.sightline import SIGHTLINE
from spatial_models.skyline_process import SKYLINE
from spatial_models.solid_volume import SOLID_VOLUME
from spatial_models.viewshed_process import VIEWSHED

__all__ = ["OTHERS", "PROCESSES", "known_process"]

PROCESSES: dict[str, Process] = {process.id: process for process in (
    AREA_STATISTICS,
    BUFFER,
    CHANGE_SUMMARY,
    EARTHWORK,
    ECHO,
    SECTION,
    SIGHTLINE,
    SKYLINE,
    SOLID_VOLUME,
    VIEWSHED,
)}
# Processes with addresses of their own: the queue does them, the list of processes does not offer them.
OTHERS: dict[str, Process] = {}


def known_process(process_id: str) -> Process | None:
    """Return a process that the queue can do, offered or not."""
    return PROCESSES.get(process_id) or OTHERS.get(process_id)
