"""Accounts, sessions and keys: who gets in, who does not, and what is kept of the secrets."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest

from config.settings import ROOT
from layers import passwords
from layers.accounts import (
    SignInLocked,
    SignInRefused,
    account,
    accounts,
    bootstrap_accounts,
    change_account,
    change_password,
    check_password,
    create_account,
    set_password,
)
from layers.audit import Actor, entries
from layers.errors import Forbidden, InvalidParameter, UnknownAccount
from layers.keys import create_key, find_key, keys, revoke_key
from layers.layer import read_layers
from layers.roles import Roles, read_roles
from layers.sessions import credential_version, csrf_token, end_session, find_session, open_session, sessions, token_hash
from layers.store import Store

ADMIN = Actor("security", 900, "10.0.0.9", "r-1")
GOOD, BETTER = "Wutong-Shu-7", "Yinxing-Ye-88"
NUMBERS = count(1)


@pytest.fixture(scope="module")
def roles() -> Roles:
    return read_roles(ROOT / "config" / "roles.yaml", read_layers(ROOT / "config" / "layers"))


@pytest.fixture
def name(store: Store, roles: Roles) -> str:
    """The user name of a fresh planner with the password GOOD."""
    username = f"planner{next(NUMBERS)}"
    create_account(store, roles, ADMIN, username, GOOD, ["planner"])
    return username


def clock(store: Store, statement: str, *values: object) -> None:
    with store.write() as connection:
        connection.execute(statement, values)


class TestPasswords:
    @pytest.mark.parametrize("password", [
        "Wutong-Shu-7", "wu Tong 2026!", "梧桐树下的第七座院落十二号楼六层五百零二室门前", "correct horse battery staple"])
    def test_good_enough(self, password: str):
        passwords.check_strength(password, "planner")

    @pytest.mark.parametrize(("password", "why"), [
        ("Ab1!efghi", "at least 10"), ("x" * 257, "at most 256"), ("abcdefghij12", "three of"), ("aaaaAAAA1111", "repeats too few"),
        ("my-Planner-2026", "user name"), ("My-PassWord-2026", "common password"), ("Abc123-Abc123", "common password"),
        ("Wutong\nShu-77", "control characters")])
    def test_too_weak(self, password: str, why: str):
        with pytest.raises(InvalidParameter, match=why):
            passwords.check_strength(password, "planner")

    def test_what_is_made_is_good_and_never_twice_the_same(self):
        made = {passwords.make_password() for _ in range(50)}
        assert len(made) == 50
        for password in made:
            passwords.check_strength(password, "planner")

    def test_kept_as_argon2id_with_a_salt(self):
        one, other = passwords.hash_password(GOOD), passwords.hash_password(GOOD)
        assert one.startswith("$argon2id$v=19$m=32768,t=3,p=1$") and one != other
        assert passwords.matches(GOOD, one) and not passwords.matches(GOOD + " ", one)

    def test_one_password_in_two_normal_forms(self):
        assert passwords.matches("Ｗutong-Shu-7é", passwords.hash_password("Wutong-Shu-7e\u0301"))


class TestSigningIn:
    def test_right(self, store: Store, name: str):
        found = check_password(store, name.upper(), GOOD)
        assert (found.username, found.roles, found.districts) == (name, ["planner"], [])

    def test_wrong_unknown_and_disabled_answer_the_same_and_cost_the_same(
            self, store: Store, roles: Roles, name: str, monkeypatch: pytest.MonkeyPatch):
        disabled = f"{name}x"
        change_account(store, roles, ADMIN, create_account(store, roles, ADMIN, disabled, GOOD, ["planner"]).account_id, is_disabled=True)
        compared: list[str] = []
        verify = passwords.HASHER.verify
        monkeypatch.setattr(passwords, "HASHER", type("Counting", (), {
            "verify": staticmethod(lambda kept, given: (compared.append(given), verify(kept, given))[1])}))
        said = []
        for who, password in ((name, "wrong"), (f"{name}-nobody", GOOD), (disabled, GOOD)):
            with pytest.raises(SignInRefused) as refused:
                check_password(store, who, password)
            said.append((str(refused.value), refused.value.details()))
        assert len(compared) == 3
        assert said[0] == said[1] == said[2]

    @pytest.mark.parametrize("exists", [True, False])
    def test_locked_after_five_failures_for_longer_each_time(self, store: Store, name: str, exists: bool):
        who = name if exists else f"{name}-nobody"
        for _ in range(5):
            with pytest.raises(SignInRefused):
                check_password(store, who, "wrong")
        with pytest.raises(SignInLocked) as locked:
            check_password(store, who, GOOD)
        assert 10 <= locked.value.details()["retry_after_s"] <= 15
        waits = []
        for _ in range(8):
            clock(store, "UPDATE gis.login_attempt SET locked_until = now() - interval '1 s' WHERE name_hash = %s",
                  hashlib.sha256(who.encode()).digest())
            with pytest.raises(SignInRefused):
                check_password(store, who, "wrong")
            with pytest.raises(SignInLocked) as locked:
                check_password(store, who, "wrong")
            waits.append(round(locked.value.details()["retry_after_s"] / 15))
        assert waits == [2, 4, 8, 16, 32, 60, 60, 60]

    def test_a_success_forgets_failures(self, store: Store, name: str):
        for _ in range(3):
            for _ in range(4):
                with pytest.raises(SignInRefused):
                    check_password(store, name, "wrong")
            assert check_password(store, name, GOOD).username == name

    def test_guesses_made_at_once_all_count(self, store: Store, name: str, monkeypatch: pytest.MonkeyPatch):
        compared: list[str | None] = []
        monkeypatch.setattr(passwords, "matches", lambda password, kept: compared.append(kept) or False)

        def guess(number: int) -> type[Exception]:
            with pytest.raises((SignInRefused, SignInLocked)) as refused:
                check_password(store, name, f"guess {number}")
            return refused.type

        with ThreadPoolExecutor(12) as threads:
            answers = list(threads.map(guess, range(24)))
        assert sum(kept is not None for kept in compared) == answers.count(SignInRefused) == 5

    def test_what_a_stranger_types_is_not_written_down(self, store: Store):
        with pytest.raises(SignInRefused):
            check_password(store, "my-secret-in-the-wrong-box", "x", "10.1.1.1")
        (entry, *_) = entries(store, {"event": "login"}, 1)
        assert entry["actor"].startswith("unknown:") and not entry["succeeded"] and entry["address"] == "10.1.1.1"
        assert "secret" not in str(entry)

    def test_an_old_hash_is_renewed_quietly(self, store: Store, name: str):
        weak = passwords.HASHER.__class__(time_cost=1, memory_cost=8, parallelism=1).hash(GOOD)
        with store.write() as connection:
            connection.execute("SELECT set_config('gis.rehash', 'yes', true)")
            connection.execute("UPDATE gis.account SET password_hash = %s WHERE username = %s", (weak, name))
        assert check_password(store, name, GOOD).username == name
        with store.read() as connection:
            (kept,) = connection.execute("SELECT password_hash FROM gis.account WHERE username = %s", (name,)).fetchone()
        assert "m=32768" in kept
        assert not [e for e in entries(store, {"event": "password_changed"}) if e["detail"]["username"] == name]


class TestAccounts:
    def test_names(self, store: Store, roles: Roles, name: str):
        with pytest.raises(InvalidParameter, match="is taken"):
            create_account(store, roles, ADMIN, name.upper(), GOOD, ["planner"])
        for bad in ("x", "a b", "-x", "x" * 64, "ad/min", "a\nb", ""):
            with pytest.raises(InvalidParameter, match="username"):
                create_account(store, roles, ADMIN, bad, GOOD, ["planner"])
        assert create_account(store, roles, ADMIN, "张三", GOOD, ["planner"]).display_name == "张三"

    def test_roles_must_exist_and_fit_together(self, store: Store, roles: Roles, name: str):
        for bad in (["king"], ["public"], ["system_admin", "auditor"]):
            with pytest.raises(InvalidParameter, match="roles"):
                change_account(store, roles, ADMIN, account(store, name).account_id, names=bad)

    def test_nobody_raises_themselves(self, store: Store, roles: Roles, name: str):
        me = account(store, name)
        for change in ({"names": ["bureau"]}, {"districts": None}, {"is_disabled": False}):
            with pytest.raises(Forbidden):
                change_account(store, roles, Actor(name, me.account_id), me.account_id, **change)
        assert change_account(store, roles, Actor(name, me.account_id), me.account_id, locale="zh").locale == "zh"

    def test_changes_are_in_the_audit_with_before_and_after(self, store: Store, roles: Roles, name: str):
        number = account(store, name).account_id
        change_account(store, roles, ADMIN, number, names=["inspector"], districts=["110102", "110101", "110101"])
        (entry, *_) = entries(store, {"event": "account_changed"}, 1)
        assert entry["actor"] == "security" and (entry["address"], entry["request_id"], entry["account_id"]) == ("10.0.0.9", "r-1", 900)
        assert entry["detail"]["username"] == name
        assert (entry["detail"]["before"]["roles"], entry["detail"]["after"]["roles"]) == (["planner"], ["inspector"])
        assert entry["detail"]["after"]["districts"] == ["110101", "110102"]

    def test_plain_sql_is_in_the_audit_too(self, store: Store, name: str):
        clock(store, "UPDATE gis.account SET roles = '{bureau}' WHERE username = %s", name)
        (entry, *_) = entries(store, {"event": "account_changed"}, 1)
        assert entry["detail"]["after"]["roles"] == ["bureau"] and entry["detail"]["username"] == name

    def test_unknown(self, store: Store, roles: Roles):
        for act in (lambda: account(store, 10**9), lambda: account(store, "nobody"), lambda: set_password(store, ADMIN, 10**9, GOOD),
                    lambda: change_account(store, roles, ADMIN, 10**9, is_disabled=True)):
            with pytest.raises(UnknownAccount):
                act()

    def test_the_first_start_makes_one_for_each_role(self, empty_store: Store, roles: Roles):
        with pytest.raises(InvalidParameter, match="GIS_ADMIN_PASSWORD"):
            bootstrap_accounts(empty_store, roles, "admin-1234-A")
        made = bootstrap_accounts(empty_store, roles, GOOD, ["110101"])
        assert {role for _, _, role in made} == set(roles.roles) - {"public"}
        assert [(u, p) for u, p, role in made if role == "system_admin"] == [("admin", GOOD)]
        assert len({password for _, password, _ in made}) == len(made)
        for username, password, role in made:
            assert check_password(empty_store, username, password).roles == [role]
        assert bootstrap_accounts(empty_store, roles, None) == []
        assert len(accounts(empty_store)) == len(made)


class TestSessions:
    def open(self, store: Store, name: str, **more: str):
        return open_session(store, account(store, name), Actor(name, account(store, name).account_id, "10.0.0.1"), **more)

    def test_a_token_of_256_bits_of_which_only_the_hash_is_kept(self, store: Store, name: str):
        session = self.open(store, name)
        assert len(session.token) == 43 and session.csrf == csrf_token(session.token) != session.token
        found = find_session(store, token_hash(session.token))
        assert (found.kind, found.username, found.roles, found.number) == ("session", name, ("planner",), session.session_id)
        with store.read() as connection:
            everything = str(connection.execute("SELECT * FROM gis.session").fetchall())
        assert session.token not in everything and session.csrf not in everything

    def test_idle_and_absolute_end(self, store: Store, name: str):
        for statement in ("UPDATE gis.session SET seen_at = now() - interval '61 minutes' WHERE session_id = %s",
                          "UPDATE gis.session SET expires_at = now() WHERE session_id = %s",
                          "UPDATE gis.session SET ended_at = now() WHERE session_id = %s"):
            session = self.open(store, name)
            assert find_session(store, token_hash(session.token)) is not None
            clock(store, statement, session.session_id)
            assert find_session(store, token_hash(session.token)) is None
            assert session.session_id not in {s["id"] for s in sessions(store, account(store, name).account_id)}

    def test_a_new_sign_in_has_a_new_token_and_ends_the_old(self, store: Store, name: str):
        first = self.open(store, name)
        second = self.open(store, name, replaces=first.token)
        assert second.token != first.token and find_session(store, token_hash(first.token)) is None
        assert find_session(store, token_hash(second.token)) is not None

    def test_only_ones_own_can_be_ended(self, store: Store, roles: Roles, name: str):
        session = self.open(store, name)
        create_account(store, roles, ADMIN, f"{name}b", GOOD, ["planner"])
        with pytest.raises(UnknownAccount):
            end_session(store, ADMIN, session.session_id, account(store, f"{name}b").account_id)
        assert find_session(store, token_hash(session.token)) is not None
        end_session(store, ADMIN, session.session_id, account(store, name).account_id)
        assert find_session(store, token_hash(session.token)) is None

    def test_at_most_twenty_at_once(self, store: Store, name: str):
        made = [self.open(store, name) for _ in range(22)]
        held = {s["id"] for s in sessions(store, account(store, name).account_id)}
        assert held == {s.session_id for s in made[2:]}

    def test_a_changed_password_ends_the_others(self, store: Store, name: str):
        here, there = self.open(store, name), self.open(store, name)
        who = Actor(name)
        with pytest.raises(SignInRefused):
            change_password(store, who, "wrong", BETTER)
        with pytest.raises(InvalidParameter, match="new_password"):
            change_password(store, who, GOOD, "weak")
        change_password(store, who, GOOD, BETTER, here.session_id)
        assert find_session(store, token_hash(here.token)) and not find_session(store, token_hash(there.token))
        assert check_password(store, name, BETTER).username == name

    def test_a_password_set_by_another_must_be_changed_and_ends_all(self, store: Store, name: str):
        session = self.open(store, name)
        set_password(store, ADMIN, account(store, name).account_id, BETTER)
        assert find_session(store, token_hash(session.token)) is None
        assert account(store, name).must_change
        change_password(store, Actor(name), BETTER, GOOD)
        assert not account(store, name).must_change

    def test_a_disabled_account_has_no_sessions(self, store: Store, roles: Roles, name: str):
        session = self.open(store, name)
        change_account(store, roles, ADMIN, account(store, name).account_id, is_disabled=True)
        assert find_session(store, token_hash(session.token)) is None

    def test_what_ends_a_credential_is_counted_and_a_sign_in_is_not(self, store: Store, roles: Roles, name: str):
        number = account(store, name).account_id
        version = credential_version(store)
        session = self.open(store, name)
        _, made = create_key(store, ADMIN, number, "k")
        check_password(store, name, GOOD)
        assert credential_version(store) == version
        changes = [lambda: end_session(store, ADMIN, session.session_id, number), lambda: revoke_key(store, ADMIN, made["id"]),
                   lambda: change_account(store, roles, ADMIN, number, names=["inspector"]),
                   lambda: change_account(store, roles, ADMIN, number, districts=["01"]),
                   lambda: set_password(store, ADMIN, number, BETTER),
                   lambda: change_account(store, roles, ADMIN, number, is_disabled=True)]
        for change in changes:
            change()
            assert credential_version(store) > version
            version = credential_version(store)


class TestKeys:
    def test_kept_as_a_hash_with_a_prefix_to_know_it_by(self, store: Store, name: str):
        number = account(store, name).account_id
        key, made = create_key(store, ADMIN, number, "  QGIS  at home ", ["building"], 30)
        assert key.startswith(made["prefix"] + "_") and len(key) == len(made["prefix"]) + 44
        assert (made["title"], made["layers"], made["can_edit"], made["used_at"]) == ("QGIS at home", ["building"], False, None)
        found = find_key(store, token_hash(key))
        assert (found.kind, found.username, found.layers, found.can_edit) == ("key", name, ("building",), False)
        with store.read() as connection:
            everything = str(connection.execute("SELECT k, a FROM gis.api_key k, gis.audit a").fetchall())
        assert key.rpartition("_")[2] not in everything
        assert keys(store, number) == [made]

    @pytest.mark.parametrize(("arguments", "parameter"), [({"title": " "}, "title"), ({"title": "k", "days": 0}, "days"),
                                                         ({"title": "k", "days": 731}, "days")])
    def test_wrong(self, store: Store, name: str, arguments: dict[str, object], parameter: str):
        with pytest.raises(InvalidParameter, match=parameter):
            create_key(store, ADMIN, account(store, name).account_id, **arguments)

    def test_ends_when_revoked_expired_or_its_account_is_disabled(self, store: Store, roles: Roles, name: str):
        number = account(store, name).account_id
        revoked, expired, disabled = ((key, made["id"]) for key, made in (create_key(store, ADMIN, number, "k") for _ in range(3)))
        with pytest.raises(UnknownAccount):
            revoke_key(store, ADMIN, revoked[1], number + 1)
        assert find_key(store, token_hash(revoked[0])) is not None
        revoke_key(store, ADMIN, revoked[1], number)
        clock(store, "UPDATE gis.api_key SET expires_at = now() WHERE key_id = %s", expired[1])
        assert [find_key(store, token_hash(k)) is not None for k, _ in (revoked, expired, disabled)] == [False, False, True]
        change_account(store, roles, ADMIN, number, is_disabled=True)
        assert find_key(store, token_hash(disabled[0])) is None
        with pytest.raises(UnknownAccount):
            revoke_key(store, ADMIN, revoked[1])

    def test_made_and_revoked_in_the_audit(self, store: Store, name: str):
        _, made = create_key(store, ADMIN, account(store, name).account_id, "k", ["road"], can_edit=True)
        revoke_key(store, ADMIN, made["id"])
        revoked, created = entries(store, {"actor": "security"}, 2)
        assert (created["event"], revoked["event"]) == ("key_created", "key_revoked")
        for entry in (created, revoked):
            assert (entry["detail"]["prefix"], entry["detail"]["layers"], entry["detail"]["username"]) == (made["prefix"], ["road"], name)
