"""The environment at the door."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.settings import ROOT, Settings, SettingsError, read_settings


def test_an_empty_environment_is_enough():
    settings, notes = read_settings({})
    assert (settings.port, settings.bind, settings.public_url) == (8000, "127.0.0.1", "http://127.0.0.1:8000")
    assert settings.var == ROOT / "var"
    assert settings.database_url is None
    assert notes == []


def test_empty_variables_count_as_absent():
    assert read_settings({"GIS_PORT": "", "GIS_DATABASE_URL": ""})[0] == read_settings({})[0]


@pytest.mark.parametrize(("bind", "url"), [("0.0.0.0", "http://localhost:81"), ("::1", "http://[::1]:81"), ("10.1.2.3", "http://10.1.2.3:81")])
def test_public_url_follows_address_and_port(bind, url):
    settings, _ = read_settings({"GIS_BIND": bind, "GIS_PORT": "81"})
    assert settings.public_url == url
    assert "public_url" not in settings.model_fields_set


def test_public_url_keeps_its_path_and_loses_its_slash():
    settings, _ = read_settings({"GIS_PUBLIC_URL": "https://gis.example.org/city/"})
    assert settings.public_url == "https://gis.example.org/city"


def test_folders_become_absolute(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert read_settings({"GIS_VAR": "data"})[0].var == tmp_path / "data"


def test_all_faults_are_told_together_by_variable():
    with pytest.raises(SettingsError) as caught:
        read_settings({"GIS_PORT": "99999", "GIS_PUBLIC_URL": "gis.example.org", "GIS_CITY": "/nowhere/city.yaml",
                       "GIS_PROCESSES": "many", "GIS_ADMIN_PASSWORD": "short"})
    assert [fault.partition(":")[0] for fault in caught.value.faults] == [
        "GIS_PORT", "GIS_PUBLIC_URL", "GIS_CITY", "GIS_ADMIN_PASSWORD", "GIS_PROCESSES"]


def test_faults_do_not_repeat_secrets():
    with pytest.raises(SettingsError) as caught:
        read_settings({"GIS_ADMIN_PASSWORD": "geheim"})
    assert "geheim" not in str(caught.value)


def test_unknown_variables_are_reported_with_the_nearest_name():
    _, notes = read_settings({"GIS_PROT": "8001", "OTHER": "1", "GIS_TEST_SERVER": "x"})
    assert len(notes) == 1
    assert "GIS_PROT" in notes[0]
    assert "GIS_PORT" in notes[0]


def test_secrets_are_not_shown():
    settings, _ = read_settings({"GIS_ADMIN_PASSWORD": "correct-horse", "GIS_DATABASE_URL": "postgresql://u:geheim@h/d"})
    assert "correct-horse" not in repr(settings)
    assert "geheim" not in repr(settings)


def test_every_setting_is_documented():
    readme = "".join(path.read_text("utf-8") for path in (ROOT / "README.md", ROOT / "README.zh-CN.md") if path.exists())
    contributing = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    missing = [name for field in Settings.model_fields if (name := f"GIS_{field.upper()}") not in readme + contributing]
    assert missing == []


def test_var_may_hold_blanks(tmp_path):
    folder = tmp_path / "a city's data, 城市"
    assert read_settings({"GIS_VAR": str(folder)})[0].var == Path(folder)
