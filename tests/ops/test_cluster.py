"""The private cluster: made anywhere, reached through its socket only, back after every kind of death."""

from __future__ import annotations

import os
import signal
import stat
import time
from pathlib import Path

import psycopg
import pytest

from gisserver.ops.city_cluster import make_cluster, read_cluster
from gisserver.ops.cluster_settings import cluster_settings
from gisserver.ops.processes import processes_in
from layers.errors import Unavailable


@pytest.fixture(scope="module")
def var(tmp_path_factory):
    # blanks and a comma: libpq takes a comma for the border between hosts
    return tmp_path_factory.mktemp("city") / "a city's data, 城市"


@pytest.fixture(scope="module")
def cluster(var):
    cluster = make_cluster(var, throwaway=True)
    yield cluster
    cluster.remove()


@pytest.fixture
def running(cluster):
    cluster.start()
    return cluster


def postmaster(cluster) -> int:
    return int((cluster.data / "postmaster.pid").read_text().split()[0])


def test_it_is_found_again_by_its_folder(var, cluster):
    assert read_cluster(var).place == cluster.place
    assert read_cluster(var.parent) is None


def test_it_starts_once(running):
    assert running.answers()
    assert running.start() is None


def test_databases_are_made_when_missing(running):
    assert running.ensure_database("probe") is True
    assert running.ensure_database("probe") is False
    with psycopg.connect(running.dsn("probe")) as connection:
        assert connection.execute("SELECT pg_encoding_to_char(encoding), datcollate FROM pg_database WHERE datname = 'probe'"
                                  ).fetchone() == ("UTF8", "C.UTF-8")
    running.drop_database("probe")
    assert running.ensure_database("probe") is True


def test_nobody_gets_in_by_tcp(running):
    with psycopg.connect(running.dsn("postgres")) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(f"host=127.0.0.1 port={running.place.port} user=postgres dbname=postgres", connect_timeout=3)


def test_socket_and_data_are_closed_to_others(running):
    for folder in (Path(running.place.socket), running.data):
        assert stat.S_IMODE(folder.stat().st_mode) & 0o077 == 0
        assert folder.stat().st_uid == running.account.uid


def test_it_never_runs_as_root(running):
    assert all(os.stat(f"/proc/{pid}").st_uid != 0 for pid in processes_in(running.data, "postgres"))


def test_socket_name_fits():
    """Linux ends a socket's name at 107 bytes; a folder deeper than that gets its socket elsewhere."""
    from gisserver.ops.city_cluster import _new_place
    from gisserver.ops.system_account import cluster_account
    deep = Path("/", *["folder"] * 20)
    place = _new_place(deep, cluster_account(), throwaway=True)
    assert len(f"{place.socket}/.s.PGSQL.{place.port}.lock") <= 107


def test_it_comes_back_after_kill_9(running):
    with psycopg.connect(running.dsn("postgres"), autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (n int)")
        connection.execute("INSERT INTO kept VALUES (1)")
        before = connection.execute("SELECT count(*) FROM kept").fetchone()
    os.kill(postmaster(running), signal.SIGKILL)
    process = running.start()
    assert process is not None
    with psycopg.connect(running.dsn("postgres")) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == before


def test_a_stale_pid_file_of_a_stranger_is_no_hindrance(cluster):
    cluster.stop()
    (cluster.data / "postmaster.pid").write_text(f"{os.getpid()}\n{cluster.data}\n1\n{cluster.place.port}\n{cluster.place.socket}\n\n\n")
    assert cluster.start() is not None
    assert os.getpid()


def test_stopping_ends_every_process_of_it(running):
    sleeper = psycopg.connect(running.dsn("postgres"))
    started = time.monotonic()
    assert running.stop() is True
    assert time.monotonic() - started < 15
    assert processes_in(running.data, "postgres") == []
    assert running.stop() is False
    with pytest.raises(psycopg.OperationalError):
        sleeper.execute("SELECT 1")
    sleeper.close()


def test_a_broken_setting_is_told_in_its_own_words(cluster):
    cluster.stop()
    conf = cluster.data / "postgresql.conf"
    whole = conf.read_text()
    conf.write_text(whole + "\nwork_mem = 'much'\n")
    try:
        with pytest.raises(Unavailable, match="work_mem"):
            cluster.start()
    finally:
        conf.write_text(whole)


def test_an_interrupted_making_is_taken_up_again(tmp_path):
    first = make_cluster(tmp_path, throwaway=True)
    first.data.rename(first.data.with_name("data.new"))
    assert read_cluster(tmp_path) is None
    second = make_cluster(tmp_path, throwaway=True)
    assert second.place == first.place
    assert (second.data / "PG_VERSION").exists()
    assert not second.data.with_name("data.new").exists()
    second.remove()
    assert not Path(second.place.home).exists()


def test_settings_keep_odd_folder_names_whole():
    text = cluster_settings(Path("/a b, c\"d'e\\f"), 5555, throwaway=False)
    assert "unix_socket_directories = '\"/a b, c\"\"d''e\\\\f\"'" in text
    assert "fsync" not in text
    assert "jit = 'off'" in text
