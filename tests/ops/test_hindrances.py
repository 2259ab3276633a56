"""What hinders a command from outside is told in one line that says what to do; no traceback."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from psycopg.conninfo import make_conninfo

from gisserver.cli import main
from gisserver.exit_codes import ExitCode
from layers.store import Store

Told = Callable[..., tuple[int, str]]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Told:
    """Run a command in an environment; give its exit code and its only line."""
    def run(*words: str, **environment: str) -> tuple[int, str]:
        for name in [name for name in os.environ if name.startswith("GIS_")]:
            monkeypatch.delenv(name)
        for name, value in ({"GIS_VAR": str(tmp_path / "var")} | environment).items():
            monkeypatch.setenv(name, value)
        code = main(words)
        lines = capsys.readouterr().err.splitlines()
        assert len(lines) == 1, lines
        return code, lines[0]
    return run


@pytest.mark.parametrize("words", ["demo", "layer list", "user list", "audit verify", "outside list", "key list"])
def test_a_database_that_was_not_migrated(told: Told, server_dsn: str, words: str) -> None:
    # the server's own database; nothing could be written there if a command tried
    code, line = told(*words.split(), GIS_DATABASE_URL=make_conninfo(server_dsn, options="-c default_transaction_read_only=on"))
    assert code == ExitCode.UNAVAILABLE
    assert "gis migrate" in line
    assert "gis." in line or 'schema "gis"' in line, "what is missing is named"


def test_an_account_of_the_database_without_rights(told: Told, store: Store) -> None:
    code, line = told("layer", "list", GIS_DATABASE_URL=make_conninfo(store.dsn, options="-c role=pg_monitor"))
    assert (code, "CREATEROLE" in line) == (ExitCode.FORBIDDEN, True)


def test_a_database_that_takes_no_writes(told: Told, store: Store) -> None:
    code, line = told("outside", "allow", "https://maps.example.org", GIS_DATABASE_URL=make_conninfo(store.dsn, options="-c default_transaction_read_only=on"))
    assert (code, "read-only" in line) == (ExitCode.UNAVAILABLE, True)


def test_a_database_that_is_not_there(told: Told, server_dsn: str) -> None:
    code, line = told("layer", "list", GIS_DATABASE_URL=make_conninfo(server_dsn, dbname="no_such_city"))
    assert (code, "no_such_city" in line) == (ExitCode.UNAVAILABLE, True)


def test_a_wrong_password(told: Told) -> None:
    """A server that refuses everybody, by PostgreSQL's protocol (message E, code 28P01)."""
    fields = b"SFATAL\0VFATAL\0C28P01\0Mpassword authentication failed for user \"city\"\0\0"

    def refuse(listening: socket.socket) -> None:
        asked, _ = listening.accept()
        with asked:
            asked.recv(4096)
            asked.sendall(b"E" + (len(fields) + 4).to_bytes(4, "big") + fields)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = threading.Thread(target=refuse, args=(listening,), daemon=True)
        server.start()
        port = listening.getsockname()[1]
        code, line = told("layer", "list", GIS_DATABASE_URL=f"postgresql://city:se%40cret@127.0.0.1:{port}/city?sslmode=disable&gssencmode=disable")
        server.join(10)
    assert (code, "password authentication failed" in line) == (ExitCode.UNAVAILABLE, True)
    assert "cret" not in line


def test_an_address_of_the_database_that_cannot_be_read(told: Told) -> None:
    code, line = told("layer", "list", GIS_DATABASE_URL="city s3cret@host")
    assert (code, "GIS_DATABASE_URL" in line, "s3cret" in line) == (ExitCode.SETTINGS, True, False)


def test_a_port_that_somebody_else_has(told: Told, store: Store) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        code, line = told("serve", GIS_DATABASE_URL=store.dsn, GIS_PORT=port)
    assert (code, port in line, "GIS_PORT" in line) == (ExitCode.UNAVAILABLE, True, True)


@pytest.mark.parametrize("content", [b"title: [", b"\xff\xfe", b"- no city", b"id: city\ntitle: {zh: a"])
def test_a_city_file_with_a_mistake(told: Told, store: Store, tmp_path: Path, content: bytes) -> None:
    city = tmp_path / "city-of-mistakes.yaml"
    city.write_bytes(content)
    code, line = told("migrate", GIS_DATABASE_URL=store.dsn, GIS_CITY=str(city))
    assert (code, "city-of-mistakes.yaml" in line) == (ExitCode.BAD_DATA, True)


@pytest.mark.parametrize("content", ["id: district\ntitle: {zh: 行政区".encode("gb18030"), b"id: district\nwas: 2026-06-31", b"[" * 5000])
@pytest.mark.parametrize("name", ["layers", "roles", "code_schemes"])
def test_a_file_of_the_configuration_that_cannot_be_read(told: Told, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, name: str) -> None:
    folder = tmp_path / "mistakes"
    folder.mkdir()
    (folder / "mistaken.yaml").write_bytes(content)
    if name == "layers":
        code, line = told("layer", "plan", "--from", str(folder), GIS_DATABASE_URL=store.dsn)
    elif name == "roles":
        monkeypatch.setattr("gisserver.commands.user.ROLES", folder / "mistaken.yaml")
        code, line = told("user", "disable", "nobody", GIS_DATABASE_URL=store.dsn)
    else:
        monkeypatch.setattr("gisserver.ops.preparation.CODE_SCHEMES", folder / "mistaken.yaml")
        code, line = told("migrate", GIS_DATABASE_URL=store.dsn)
    assert (code, "mistaken.yaml" in line) == (ExitCode.BAD_DATA, True)


def test_a_folder_that_cannot_be_written(told: Told, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder", "utf-8")
    code, line = told("up", GIS_VAR=str(tmp_path / "file" / "var"))
    assert (code, "GIS_VAR" in line, str(tmp_path) in line) == (ExitCode.FAILED, True, True)


def test_a_folder_to_export_to_that_is_not_there(told: Told, store: Store, tmp_path: Path) -> None:
    code, line = told("export", "building", str(tmp_path / "none" / "a.geojson"), GIS_DATABASE_URL=store.dsn)
    assert (code, str(tmp_path / "none") in line) == (ExitCode.BAD_DATA, True)


def test_a_fault_of_our_own_is_not_smoothed_over(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("layers.store.Store.read", lambda *_: 1 / 0)
    monkeypatch.setenv("GIS_DATABASE_URL", store.dsn)
    with pytest.raises(ZeroDivisionError):
        main(["user", "list"])
