"""Audiences that nobody used are forgotten while others come, come back, and while layers are defined anew."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from gisserver.upkeep import Upkeep
from layers.access import Audience, LayerGrant, is_kept, prune_audiences
from layers.layer import Layer, parse_layer
from layers.plan import register
from layers.store import Store
from tests.layers.test_access import MAST, TEXT, ask, audience, plot

__all__ = ["plot"]

LONG_AGO = "UPDATE gis.audience SET used_at = now() - interval '9 days' WHERE role = %s"


def waits(store: Store, other: str) -> bool:
    """Does a session wait for a lock, with a text in its statement?"""
    with store.read() as connection:
        row = connection.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE %s",
                                 (f"%{other}%",)).fetchone()
    return row is not None and row[0] > 0


def is_there(store: Store, who: Audience) -> bool:
    with store.read() as connection:
        return connection.execute("SELECT FROM pg_roles WHERE rolname = %s", (who.role,)).fetchone() is not None


def leave(store: Store, *whose: Audience) -> None:
    with store.write() as connection:
        for each in whose:
            connection.execute(LONG_AGO, (each.role,))


class TestForgetting:
    def test_who_comes_in_that_moment_is_not_forgotten(self, store: Store, plot: Layer):
        """He was told that his role is kept; the next statement needs it."""
        back = audience(store, LayerGrant("plot", districts=("31",)))
        leave(store, back)
        with ThreadPoolExecutor(1) as pool, store.connect(autocommit=False) as connection:
            assert connection.execute("SELECT gis.touch_audience(%s)", (back.role,)).fetchone() == (True,)
            pruned = pool.submit(prune_audiences, store)
            deadline = time.monotonic() + 10
            while not waits(store, "prune_audiences") and time.monotonic() < deadline:
                time.sleep(0.01)
            connection.commit()
            pruned.result(20)
        assert ask(store, back, "SELECT count(*) FROM city.plot") == [(0,)] and is_kept(store, back)

    def test_who_comes_back_has_a_role_that_works(self, store: Store, plot: Layer):
        """A connection may still be in the role of before, which has the same name."""
        mine = Store(store.dsn, 2)
        try:
            left = audience(mine, LayerGrant("plot", districts=("32", "01"),))
            first = ask(mine, left, "SELECT count(*) FROM city.plot")
            leave(mine, left)
            for idle in mine._idle:
                idle.idle_since -= 86_400
            assert prune_audiences(mine) == 1 and not is_kept(mine, left)
            assert audience(mine, LayerGrant("plot", districts=("32", "01"))).role == left.role
            assert ask(mine, left, "SELECT count(*) FROM city.plot") == first != [(0,)]
        finally:
            mine.close()

    def test_a_server_forgets_them(self, store: Store, plot: Layer):
        """A city of thousands has as many roles as came lately, not as ever came."""
        gone, here = audience(store, LayerGrant("plot", districts=("33",))), audience(store, LayerGrant("plot", districts=("34",)))
        leave(store, gone)
        upkeep = Upkeep(store, every_s=0.05, forget_every_s=0)
        upkeep.start()
        try:
            deadline = time.monotonic() + 20
            while is_there(store, gone) and time.monotonic() < deadline:
                time.sleep(0.05)
        finally:
            upkeep.close()
        assert not is_there(store, gone) and is_kept(store, here)


class TestDefinedAnew:
    def test_a_grant_that_is_being_made_goes_by_the_new_definition(self, store: Store, plot: Layer):
        """Rows are told apart by another field from now on; who comes in that moment must not keep to the old one."""
        fields = [{"name": n, "type": "string", "title": TEXT, "index": True} for n in ("name", "kind")]
        pole: dict[str, Any] = {**MAST, "id": "pole", "district": "name", "fields": fields}
        register(store, parse_layer(pole))
        with ThreadPoolExecutor(1) as pool, store.connect(autocommit=False) as connection:
            connection.execute("SELECT gis.keep_layer_grant('gis_g_pole_in_between', 'pole', '{a}', NULL, false)")
            defined = pool.submit(register, store, parse_layer({**pole, "district": "kind"}))
            time.sleep(0.5)
            assert not defined.done(), "it waits until what is being made is there to be made again"
            connection.commit()
            defined.result(20)
        with store.read() as connection:
            assert connection.execute("SELECT qual FROM pg_policies WHERE policyname = 'gis_g_pole_in_between' AND tablename = 'pole'").fetchone() == (
                "(kind = ANY ('{a}'::text[]))",)

    def test_what_was_forgotten_meanwhile_is_left_out(self, store: Store):
        with store.write() as connection:
            connection.execute("SELECT gis.regrant('gis_g_nobody', false), gis.regrant('gis_p_nobody', true)")
            assert connection.execute("SELECT count(*) FROM pg_roles WHERE rolname LIKE 'gis\\__\\_nobody'").fetchone() == (0,)

    def test_two_sets_of_grants_never_share_a_profile(self, store: Store, plot: Layer):
        """Names are short hashes."""
        one, other = (audience(store, LayerGrant("plot", districts=(n,))) for n in ("35", "36"))
        # Who makes keys chooses among 2^layers sets: none may be found that is named like somebody else's.
        assert len(one.fingerprint) * 4 >= 96 and one.role.endswith(one.fingerprint)
        with store.connect(autocommit=False) as connection:
            ours = connection.execute("SELECT profile FROM gis.audience WHERE role = %s", (one.role,)).fetchone()
            connection.execute("UPDATE gis.profile_grant SET grant_role = %s WHERE profile = %s", (other.grant("plot").role_for(plot), ours[0]))
            with pytest.raises(Exception, match="holds other grants"):
                connection.execute("SELECT gis.keep_profile(ARRAY[%s]::name[])", (one.grant("plot").role_for(plot),))
            connection.rollback()
