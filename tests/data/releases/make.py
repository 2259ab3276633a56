"""Keep the store of a release, populated, for the test that every later version can take it over.

    PYTHONPATH=. .venv/bin/python tests/data/releases/make.py "host=… user=…" 0.1.0        writes tests/data/releases/0.1.0.sql.gz
"""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from config.settings import ROOT
from gisserver.ops.postgres_programs import find_programs
from gisserver.ops.preparation import prepare_store
from layers.access import OWNER
from layers.catalogue import Catalogue
from layers.edits import Changeset, Edit, LineageClaim, apply_changeset
from layers.history import undo
from layers.store import Store

__all__ = ["populate"]

HERE = Path(__file__).parent


def populate(store: Store) -> None:
    """Write a little of everything: a feature with a past, a correction, a split, an undone changeset."""
    catalogue = Catalogue(store)

    def square(lon: float, side: float = 0.001) -> dict[str, object]:
        ring = [[lon, 39.9], [lon + side, 39.9], [lon + side, 39.901], [lon, 39.901], [lon, 39.9]]
        return {"type": "Polygon", "coordinates": [ring]}

    def write(*edits: Edit, lineage: tuple[LineageClaim, ...] = ()) -> tuple[int, ...]:
        return apply_changeset(store, catalogue, OWNER, Changeset(edits, "release", "kept", lineage=lineage)).fids

    plot = {"district_code": "119101"}
    whole, = write(Edit("parcel", "create", properties=plot | {"location": "一"}, geometry=square(116.3, 0.002), valid_from="1990"))
    write(Edit("parcel", "retire", whole, valid_from="2005-03"),
          Edit("parcel", "create", temp_id="a", properties=plot | {"location": "一之一"}, geometry=square(116.3), valid_from="2005-03"),
          Edit("parcel", "create", temp_id="b", properties=plot | {"location": "一之二"}, geometry=square(116.301), valid_from="2005-03"),
          lineage=(LineageClaim("split", (("parcel", whole),), (("parcel", "$a"), ("parcel", "$b")), "2005-03"),))
    house, = write(Edit("building", "create", properties={"name": "旧楼", "use": "office", "status": "in_use"} | plot,
                        geometry=square(116.31), valid_from="1985"))
    write(Edit("building", "put", house, properties={"name": "新楼"}, partial=True, valid_from="2010"))
    write(Edit("building", "correct", house, properties={"name": "改名楼"}, partial=True, valid_from="1995", valid_to="2000"))
    done = apply_changeset(store, catalogue, OWNER, Changeset((Edit("building", "retire", house, valid_from="2020"),), "release"))
    undo(store, catalogue, OWNER, done.seq, "release", "not so")


def main(server: str, release: str) -> None:
    """Make a database, fill it, dump it, drop it."""
    name = "gis_release"
    with psycopg.connect(make_conninfo(server, dbname="postgres"), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name}")
        connection.execute(f"CREATE DATABASE {name}")
    dsn = make_conninfo(server, dbname=name)
    store = Store(dsn)
    prepare_store(store, ROOT / "config" / "city.yaml")
    populate(store)
    store.close()
    text = subprocess.run([find_programs().program("pg_dump"), "--no-owner", "--no-privileges", "--dbname", dsn], check=True, capture_output=True).stdout
    # Without the time of making, so that the same release gives the same file.
    (HERE / f"{release}.sql.gz").write_bytes(gzip.compress(text, 9, mtime=0))
    with psycopg.connect(make_conninfo(server, dbname="postgres"), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name}")


if __name__ == "__main__":
    main(*sys.argv[1:3])
