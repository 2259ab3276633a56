"""The doctor sees what is amiss, from the ground up, and changes nothing."""

from __future__ import annotations

import shutil

import pytest

from config.settings import read_settings
from gisserver.ops import doctor, machine
from gisserver.ops.city_cluster import make_cluster
from gisserver.ops.doctor import examine
from gisserver.ops.machine import Missing, missing_packages
from gisserver.ops.postgres_programs import PostgresPrograms, find_programs
from layers.errors import Unavailable
from layers.store import Store


def findings(**environment: str) -> dict[str, tuple[bool, str]]:
    settings, _ = read_settings({"GIS_PORT": "1", **environment})
    return {found.what: (found.is_well, found.detail) for found in examine(settings)}


def test_a_folder_without_a_city_is_well(tmp_path):
    found = findings(GIS_VAR=str(tmp_path / "none"))
    assert found["cluster"] == (True, "not made yet; ./run makes it")
    assert found["Python"][0]
    assert not (tmp_path / "none").exists()


def test_a_prepared_database_is_well(store: Store, tmp_path):
    found = findings(GIS_VAR=str(tmp_path), GIS_DATABASE_URL=store.dsn)
    assert found["schema"] == (True, "up to date")
    assert found["PostgreSQL"][0]
    assert found["PostGIS"][0]
    assert found["leakproof"][0]


def test_an_empty_database_is_told(server, tmp_path):
    name = "gis_test_doctor"
    dsn = server.create(name, "template0")
    try:
        assert findings(GIS_VAR=str(tmp_path), GIS_DATABASE_URL=dsn)["schema"] == (False, "run 'gis migrate'")
    finally:
        server.drop(name)


def test_an_unreachable_database_is_told(tmp_path):
    is_well, detail = findings(GIS_VAR=str(tmp_path), GIS_DATABASE_URL="host=/nowhere dbname=x user=y")["database"]
    assert not is_well
    assert "cannot be reached" in detail


def test_a_cluster_whose_folder_is_gone_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(doctor, "STRAY_CLUSTERS", tmp_path)
    stray = tmp_path / "gis-0123abcd"
    stray.mkdir()
    (stray / "city-folder").write_text(f"{tmp_path}/gone\n")
    is_well, detail = findings(GIS_VAR=str(tmp_path / "var"))["stray cluster"]
    assert not is_well
    assert str(stray) in detail


def test_a_living_cluster_is_no_stray(tmp_path, monkeypatch):
    cluster = make_cluster(tmp_path / "var", throwaway=True)
    try:
        home = tmp_path / "lib" / "gis-0123abcd"
        home.mkdir(parents=True)
        (home / "city-folder").write_text(f"{tmp_path}/var\n")
        (home / "data").mkdir()
        (home / "data" / "PG_VERSION").write_text("15\n")
        cluster.account.own(home)
        monkeypatch.setattr(doctor, "STRAY_CLUSTERS", tmp_path / "lib")
        # the record names another home: this one is a stray
        assert "stray cluster" in findings(GIS_VAR=str(tmp_path / "none"))
        record = cluster.record.read_text()
        cluster.record.write_text(record.replace(cluster.place.home, str(home)))
        assert "stray cluster" not in findings(GIS_VAR=str(tmp_path / "none"))
        cluster.record.write_text(record)
    finally:
        cluster.remove()


@pytest.mark.parametrize(("installed", "expected"), [
    ([], ["postgresql-16", "postgresql-16-postgis-3"]),
    ([(14, True)], ["postgresql-16", "postgresql-16-postgis-3"]),
    ([(15, False)], ["postgresql-15", "postgresql-15-postgis-3"]),
    ([(17, False), (15, True)], []),
])
def test_missing_postgresql_is_named_as_the_distribution_does(monkeypatch, tmp_path, installed, expected):
    found = [PostgresPrograms(tmp_path, version, postgis) for version, postgis in installed]
    monkeypatch.setattr(machine, "installed_programs", lambda: found)
    monkeypatch.setattr(machine, "_ask", lambda *command: "postgresql\n  Depends: postgresql-16\n")
    assert [missing.package for missing in missing_packages() if missing.required] == expected


@pytest.mark.parametrize(("policy", "expected"), [
    ("chromium:\n  Candidate: 150.0.1-1\n", True),
    ("chromium:\n  Candidate: (none)\n", False),
    ("chromium-browser:\n  Candidate: 2:1snap1-0ubuntu2\n", False),
    ("", False),
])
def test_a_snap_is_no_browser(monkeypatch, policy, expected):
    monkeypatch.setattr(machine, "_ask", lambda *command: policy)
    monkeypatch.setattr(machine, "CHROMIUM", machine.FONTS / "no such file")
    monkeypatch.setattr(shutil, "which", lambda name: "/usr/bin/" + name)
    assert (Missing("chromium", False, "tests in a browser") in missing_packages(tests=True)) == expected


def test_a_version_that_is_gone_is_told():
    with pytest.raises(Unavailable, match="PostgreSQL 12"):
        find_programs(12)
