"""Every panel has its states: it waits, it says what is wrong, it says that one may not, it says that there is nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from config.settings import ROOT
from docs.scripts.panel_states import PANELS, Panel, states
from gisserver.identity import ROLES
from layers.accounts import create_account
from layers.audit import Actor
from layers.layer import read_layers
from layers.roles import read_roles
from layers.store import Store
from tests.e2e.conftest import PASSWORD, Desk
from tests.e2e.neighbourhood import Neighbourhood

pytestmark = [pytest.mark.browser, pytest.mark.slow]

NewDesk = Callable[..., Desk]


@pytest.fixture(scope="module")
def people(neighbourhood: Neighbourhood, store: Store) -> None:
    """Who keeps accounts, who reads the audit, and who allows hosts."""
    roles = read_roles(ROLES, read_layers(ROOT / "config" / "layers"))
    for role in ("security_admin", "auditor", "system_admin"):
        create_account(store, roles, Actor("setup"), role, PASSWORD, (role,), None, role)


@pytest.mark.parametrize("role", sorted({panel.role for panel in PANELS}))
def test_panels_wait_fail_refuse_and_are_empty(desk: NewDesk, neighbourhood: Neighbourhood, people: None, role: str) -> None:
    own = desk().open("c=116.05,39.6,12").expects(403, 500)
    own.sign_in({"editor": "wang"}.get(role, role))
    for panel in (each for each in PANELS if each.role == role):
        assert list(_walked(own, panel, neighbourhood)) == ["loading", "failure", "denied", *(["empty"] if panel.empty is not None else [])], panel.name


def _walked(own: Desk, panel: Panel, neighbourhood: Neighbourhood) -> Iterator[str]:
    view = panel.view.format(building=neighbourhood.fids["building5.3"])
    yield from states(own, replace(panel, view=view))
