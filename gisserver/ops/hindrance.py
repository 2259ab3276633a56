"""What hinders a command from outside (the database, a folder), in one sentence that says what to do about it."""

from __future__ import annotations

import errno
from pathlib import Path

from psycopg import Error, OperationalError, errors

from layers.errors import Forbidden, StoreError, Unavailable

__all__ = ["hindrance"]

# What a database lacks that was made by an older version, or by none.
_LACKING = (errors.UndefinedTable, errors.InvalidSchemaName, errors.UndefinedFunction, errors.UndefinedColumn)
_FORBIDDING = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


def hindrance(error: Exception, var: Path | None = None) -> StoreError | None:
    """Return what is told instead of an error of the database or of a file; None where the error is our own fault.

    `var` is the folder of the city's files, where a file of it is concerned.
    """
    if isinstance(error, _LACKING):
        return Unavailable(f"The database does not have what this version needs ({_first(error)}). "
                           "Run 'gis migrate', and see that GIS_DATABASE_URL names the city's database.")
    if isinstance(error, errors.InsufficientPrivilege):
        return Forbidden(f"The account of the database may not do this ({_first(error)}). "
                         "It has to own the city's database and to have the right CREATEROLE.")
    if isinstance(error, errors.ReadOnlySqlTransaction):
        return Unavailable(f"The database takes no writes ({_first(error)}): it is a standby, or was set read-only.")
    if isinstance(error, OperationalError):
        return Unavailable(f"The database does not answer: {error}")
    if isinstance(error, OSError) and error.filename is not None:
        return _of_file(error, var)
    return None


def _first(error: Error) -> str:
    return error.diag.message_primary or str(error).partition("\n")[0]


def _of_file(error: OSError, var: Path | None) -> StoreError:
    path = Path(str(error.filename))
    told = f"{path}: {error.strerror}."
    if var is not None and (path.is_relative_to(var) or var.is_relative_to(path)):
        told += f" The city keeps its files in {var}: give this account the right to write, or choose another folder with GIS_VAR."
    return Forbidden(told) if error.errno in _FORBIDDING else StoreError(told)
