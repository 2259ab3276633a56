"""`gis user`, `gis key` and `gis audit` on a store of their own."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from pydantic import SecretStr

from config.settings import Settings
from gisserver.cli import gis
from layers.accounts import account, check_password
from layers.audit import entries, verify
from layers.errors import InvalidParameter, UnknownAccount, UnknownLayer
from layers.keys import find_key
from layers.sessions import token_hash
from layers.store import Store

Run = Callable[..., Result]


@pytest.fixture
def run(empty_store: Store) -> Run:
    """Run a command on the store; errors come out as they are."""
    def ran(*arguments: str, stdin: str | None = None, admin_password: str | None = None, **more: Any) -> Result:
        settings = Settings(database_url=SecretStr(empty_store.dsn), admin_password=admin_password)
        return CliRunner(env={"LC_ALL": "en_GB.UTF-8"}).invoke(gis, arguments, obj=settings, input=stdin, catch_exceptions=False,
                                                             standalone_mode=False, **more)

    return ran


def test_the_first_start_prints_passwords_once(run: Run, empty_store: Store):
    said = run("user", "bootstrap", admin_password="Wutong-Shu-7").output
    assert "as set in GIS_ADMIN_PASSWORD" in said and "Wutong-Shu-7" not in said
    shown = dict(re.findall(r"^  (\S+) +(\S{23}) ", said, re.M))
    assert len(shown) == 7
    for username, password in shown.items():
        assert not check_password(empty_store, username, password).must_change
    assert check_password(empty_store, "admin", "Wutong-Shu-7").roles == ["system_admin"]
    assert run("user", "bootstrap").output == ""


def test_an_account_from_beginning_to_end(run: Run, empty_store: Store):
    made = run("user", "add", "anna", "--role", "inspector", "--district", "110101", "--name", "安娜").output
    password = re.search(r"password: (\S+)", made)[1]
    found = check_password(empty_store, "anna", password)
    assert (found.display_name, found.roles, found.districts, found.must_change) == ("安娜", ["inspector"], ["110101"], True)
    assert "every district" in run("user", "change", "anna", "--role", "planner", "--every-district").output
    assert account(empty_store, "anna").districts is None and account(empty_store, "anna").roles == ["planner"]
    assert "password" not in run("user", "password", "anna", "--password-stdin", stdin="Yinxing-Ye-88\n").output
    check_password(empty_store, "anna", "Yinxing-Ye-88")
    assert "disabled" in run("user", "disable", "anna").output
    assert "disabled" not in run("user", "enable", "anna").output
    assert "anna" in run("user", "list").output
    whom = {entry["actor"] for entry in entries(empty_store, {"event": "account_changed"})}
    assert len(whom) == 1 and whom.pop().startswith("machine:")


def test_what_is_wrong_is_said(run: Run):
    for error, arguments in ((InvalidParameter, ("user", "add", "anna", "--role", "king")), (UnknownAccount, ("user", "disable", "nobody")),
                             (UnknownAccount, ("key", "revoke", "1"))):
        with pytest.raises(error):
            run(*arguments)
    with pytest.raises(InvalidParameter, match="password"):
        run("user", "add", "anna", "--role", "planner", "--password-stdin", stdin="weak\n")
    run("user", "add", "anna", "--role", "planner")
    with pytest.raises(UnknownLayer):
        run("key", "create", "anna", "--title", "k", "--layer", "nowhere")


def test_a_key_from_beginning_to_end(run: Run, empty_store: Store):
    run("user", "add", "anna", "--role", "planner", "--password-stdin", stdin="Yinxing-Ye-88\n")
    key = run("key", "create", "anna", "--title", "QGIS", "--layer", "road", "--days", "3").output.strip()
    # A key of an account whose password is not its own yet opens nothing either.
    assert find_key(empty_store, token_hash(key)) is None
    with empty_store.write() as connection:
        connection.execute("UPDATE gis.account SET must_change = false")
    assert find_key(empty_store, token_hash(key)).layers == ("road",)
    listed = run("key", "list", "--user", "anna").output
    assert "road" in listed and "never used" in listed and key not in listed
    run("key", "revoke", listed.split()[0])
    assert find_key(empty_store, token_hash(key)) is None and run("key", "list").output == ""


def test_the_audit_is_verified_against_what_was_noted(run: Run, empty_store: Store):
    run("user", "add", "anna", "--role", "planner")
    whole = run("audit", "verify")
    head = re.search(r"Head (\d+:[0-9a-f]{64})", whole.output)[1]
    assert whole.return_value == 0 and int(head.partition(":")[0]) == verify(empty_store).rows
    assert run("audit", "verify", "--expect", head).return_value == 0
    assert '"event": "account_created"' in run("audit", "list", "--limit", "1").output
    with empty_store.connect() as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("UPDATE gis.audit SET actor = 'eve' WHERE id = 2")
    broken = run("audit", "verify")
    assert broken.return_value == 1 and "broken at entry 2" in broken.output


def test_an_export_is_noted(run: Run, empty_store: Store, tmp_path: Path):
    run("export", "district", str(tmp_path / "district.geojson"), "--fields", "name")
    entry = entries(empty_store, {"event": "export"}, 1)[0]
    assert entry["layer"] == "district" and entry["actor"].startswith("machine:")
    assert (entry["detail"]["file"], entry["detail"]["fields"]) == ("district.geojson", ["name"])
