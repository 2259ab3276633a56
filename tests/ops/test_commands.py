"""The command `gis`: the table of verbs, its help, its exit codes."""

from __future__ import annotations

import os
import subprocess
import sys

import click
import pytest

from config.settings import ROOT, SettingsError
from gisserver.cli import gis, main
from gisserver.commands import COMMANDS
from gisserver.exit_codes import ExitCode, exit_code
from gisserver.ops.run_record import AlreadyRunning
from layers import errors


def test_the_table_lists_every_module_and_no_other():
    modules = {path.stem for path in (ROOT / "gisserver" / "commands").glob("*.py")} - {"__init__"}
    assert set(COMMANDS.values()) == modules


@pytest.mark.parametrize("verb", COMMANDS)
def test_every_verb_explains_itself(verb):
    command = gis.get_command(click.Context(gis), verb)
    assert isinstance(command, click.Command)
    assert command.help
    assert any("\u4e00" <= letter <= "\u9fff" for letter in command.help), "the help is in both languages"


def run_gis(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    given = {name: value for name, value in os.environ.items() if not name.startswith("GIS_")}
    return subprocess.run([sys.executable, "-m", "gisserver.cli", *arguments], capture_output=True, text=True, check=False,
                          env=given | {"PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1"} | environment)


def test_help_is_had_in_any_environment():
    assert run_gis("--help", GIS_PORT="nonsense").returncode == ExitCode.OK
    assert run_gis("migrate", "--help", GIS_PORT="nonsense").returncode == ExitCode.OK


def test_a_wrong_setting_ends_with_its_sentence():
    done = run_gis("migrate", GIS_PORT="nonsense")
    assert done.returncode == ExitCode.SETTINGS
    assert "GIS_PORT" in done.stderr
    assert "Traceback" not in done.stderr


def test_no_city_yet(tmp_path):
    done = run_gis("layer", "list", GIS_VAR=str(tmp_path))
    assert done.returncode == ExitCode.UNAVAILABLE
    assert "./run" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unreachable_database_ends_with_one_sentence():
    done = run_gis("layer", "list", GIS_DATABASE_URL="host=/nowhere user=nobody dbname=none")
    assert done.returncode == ExitCode.UNAVAILABLE
    assert len(done.stderr.strip().splitlines()) == 1


def test_an_unknown_verb_is_a_wrong_command_line():
    assert run_gis("fly").returncode == ExitCode.USAGE


def test_unknown_variables_are_told_and_change_nothing(tmp_path):
    done = run_gis("cluster", "status", GIS_VAR=str(tmp_path), GIS_PROT="1")
    assert "GIS_PROT" in done.stderr
    assert "GIS_PORT" in done.stderr


@pytest.mark.parametrize(("error", "code"), [
    (SettingsError(["x"]), ExitCode.SETTINGS),
    (errors.Rejected([]), ExitCode.BAD_DATA),
    (errors.InvalidFilter("x"), ExitCode.BAD_DATA),
    (errors.UnknownLayer("x"), ExitCode.NOT_FOUND),
    (errors.Conflict("building", 1, 2, 3), ExitCode.CONFLICT),
    (errors.Forbidden("x"), ExitCode.FORBIDDEN),
    (AlreadyRunning("x"), ExitCode.ALREADY_RUNNING),
    (errors.Unavailable("x"), ExitCode.UNAVAILABLE),
    (errors.StoreError("x"), ExitCode.FAILED),
])
def test_errors_have_named_codes(error, code):
    assert exit_code(error) == code


def test_layers_on_the_command_line(store, monkeypatch, capsys):
    monkeypatch.setenv("GIS_DATABASE_URL", store.dsn)
    for name in ("GIS_VAR", "GIS_PORT"):
        monkeypatch.delenv(name, raising=False)
    assert main(["layer", "list"]) == ExitCode.OK
    assert "building " in capsys.readouterr().out
    assert main(["layer", "show", "building"]) == ExitCode.OK
    assert "id: building" in capsys.readouterr().out
    assert main(["layer", "show", "nothing"]) == ExitCode.NOT_FOUND
    capsys.readouterr()
    assert main(["layer", "plan"]) == ExitCode.OK
    assert "as the files say" in capsys.readouterr().out


def test_a_lossy_plan_is_shown_and_refused(store, monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("GIS_DATABASE_URL", store.dsn)
    (tmp_path / "district.yaml").write_bytes((ROOT / "config" / "layers" / "district.yaml").read_bytes())
    assert main(["layer", "plan", "--from", str(tmp_path)]) == ExitCode.OK
    assert "drop layer building" in capsys.readouterr().out
    assert main(["layer", "apply", "--from", str(tmp_path)]) == ExitCode.BAD_DATA
    assert "--allow-loss" in capsys.readouterr().err
