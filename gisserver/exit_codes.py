"""The exit codes of the commands, so that scripts can branch."""

from __future__ import annotations

from enum import IntEnum

from config.settings import SettingsError
from gisserver.ops.run_record import AlreadyRunning
from layers.errors import (
    Conflict,
    DefinitionError,
    Forbidden,
    InvalidParameter,
    NotAuthenticated,
    NotFound,
    PreconditionRequired,
    Rejected,
    Unavailable,
    UndoRefused,
)

__all__ = ["ExitCode", "exit_code"]


class ExitCode(IntEnum):
    """What the number means that a command ends with. 2 is a wrong command line (click's own)."""

    OK = 0
    FAILED = 1
    USAGE = 2
    BAD_DATA = 65
    NOT_FOUND = 66
    UNAVAILABLE = 69
    CONFLICT = 73
    ALREADY_RUNNING = 75
    FORBIDDEN = 77
    SETTINGS = 78
    INTERRUPTED = 130


# The first class that fits decides, so the narrower stand above the wider.
_CODES: tuple[tuple[type[Exception], ExitCode], ...] = (
    (SettingsError, ExitCode.SETTINGS),
    (Rejected, ExitCode.BAD_DATA),
    (DefinitionError, ExitCode.BAD_DATA),
    (InvalidParameter, ExitCode.BAD_DATA),
    (NotFound, ExitCode.NOT_FOUND),
    (Conflict, ExitCode.CONFLICT),
    (UndoRefused, ExitCode.CONFLICT),
    (PreconditionRequired, ExitCode.CONFLICT),
    (NotAuthenticated, ExitCode.FORBIDDEN),
    (Forbidden, ExitCode.FORBIDDEN),
    (AlreadyRunning, ExitCode.ALREADY_RUNNING),
    (Unavailable, ExitCode.UNAVAILABLE),
)


def exit_code(error: Exception) -> ExitCode:
    """Return the exit code of an error."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), ExitCode.FAILED)
