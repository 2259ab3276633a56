"""A backup of the city's database in one file, and the way back."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from gisserver.ops.cluster import DATABASE, Cluster
from gisserver.ops.postgres_programs import PostgresPrograms, find_programs
from layers.errors import Unavailable
from layers.store import Store

__all__ = ["Backup", "check", "restore", "save"]

MAGIC = b"PGDMP"
SWAP = Path(__file__).parent / "sql" / "swap_database.sql"
AUDIENCES = re.compile(r" POLICY \S+ .*\bgis_[agp]_| TABLE DATA gis (audience|audience_layer|layer_grant|profile|profile_grant|reader_circle) ")


@dataclass(frozen=True)
class Backup:
    """A finished backup file: where it is, its size in bytes, and how many tables it holds."""

    path: Path
    size: int
    tables: int


def save(dsn: str, path: Path) -> Backup:
    """Write a backup of the database while it is in use: one snapshot, compressed.

    The file appears under its name only when it is complete, checked and on the disk; an existing file of that name is
    replaced then and not before. Raises Unavailable with the dump's own words.
    """
    programs = find_programs(_server_version(dsn))
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    environment = _password_apart(dsn)
    try:
        # made before pg_dump fills it: personal data is nobody else's to read
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
        # by name and not by standard output, where it would append its table of contents a second time
        _run([programs.program("pg_dump"), "--format=custom", "--compress=6", f"--file={draft}", "-d", _without_password(dsn)],
             environment)
        tables = check(draft, programs)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return Backup(path, path.stat().st_size, tables)


def check(path: Path, programs: PostgresPrograms | None = None) -> int:
    """Return how many tables with data a backup holds. Raises Unavailable if it is none, or is cut short.

    The whole file is read and unpacked, not only its table of contents.
    """
    try:
        with path.open("rb") as file:
            head = file.read(len(MAGIC))
    except OSError as error:
        raise Unavailable(f"{path} cannot be read: {error.strerror}") from None
    if head != MAGIC:
        raise Unavailable(f"{path} is not a backup made by 'gis backup'.")
    pg_restore = (programs or find_programs()).program("pg_restore")
    listed = _run([pg_restore, "--list", str(path)], dict(os.environ))
    tables = sum(" TABLE DATA " in line for line in listed.splitlines())
    if not any(" TABLE DATA gis city " in line for line in listed.splitlines()):
        raise Unavailable(f"{path} is a dump of another database: it holds no city.")
    with open(os.devnull, "wb") as nowhere:
        _run([pg_restore, "--file=-", str(path)], dict(os.environ), nowhere)
    return tables


def restore(cluster: Cluster, path: Path, prepare: Callable[[str], None], database: str = DATABASE) -> int:
    """Put a backup in the place of the private cluster's database.

    It is restored beside the present one, and `prepare` (given its connection string) brings it to this version; only when
    all of that is done do the two change places, and the old one is dropped. A failure leaves the present one as it is.
    Returns the number of tables. Raises Unavailable.
    """
    programs = cluster.programs()
    tables = check(path, programs)
    fresh, old = f"{database}_restored", f"{database}_before"
    for name in (fresh, old):
        cluster.drop_database(name)
    cluster.ensure_database(fresh)
    try:
        with tempfile.NamedTemporaryFile("w", suffix=".list") as chosen:
            chosen.write(_without_audiences(_run([programs.program("pg_restore"), "--list", str(path)], dict(os.environ))))
            chosen.flush()
            _run([programs.program("pg_restore"), "--exit-on-error", "--single-transaction", "--no-privileges", "--no-owner",
                  "--use-list", chosen.name, "-d", cluster.dsn(fresh), str(path)], dict(os.environ))
        prepare(cluster.dsn(fresh))
        cluster.ensure_database(database)
        _run([programs.program("psql"), "--no-psqlrc", "--quiet", "-v", "ON_ERROR_STOP=1", "-v", f"fresh={fresh}",
              "-v", f"present={database}", "-v", f"old={old}", "-f", str(SWAP), "-d", cluster.dsn("postgres")], dict(os.environ))
    except BaseException:
        cluster.drop_database(fresh)
        raise
    cluster.drop_database(old)
    return tables


def _without_audiences(listed: str) -> str:
    """Leave out what names roles of the cluster the backup came from: they are made again for each reader who comes."""
    return "".join(line + "\n" for line in listed.splitlines() if not AUDIENCES.search(line))


def _run(command: list[str], environment: dict[str, str], out: object = subprocess.PIPE) -> str:
    done = subprocess.run(command, stdout=out, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, env=environment, check=False)
    if done.returncode:
        raise Unavailable(f"{Path(command[0]).name} failed: {done.stderr.decode(errors='replace').strip()[-1500:]}")
    return done.stdout.decode(errors="replace") if done.stdout else ""


def _server_version(dsn: str) -> int:
    with Store(dsn, max_connections=1).connect() as connection:
        return connection.info.server_version // 10000


def _without_password(dsn: str) -> str:
    return make_conninfo("", **{key: value for key, value in conninfo_to_dict(dsn).items() if key != "password"})


def _password_apart(dsn: str) -> dict[str, str]:
    # arguments are shown to every user of the machine, the environment is not
    password = conninfo_to_dict(dsn).get("password")
    return dict(os.environ) | ({"PGPASSWORD": str(password)} if password else {})
