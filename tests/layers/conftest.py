"""What the tests of imports share: a town in which nothing has happened yet."""

from __future__ import annotations

import pytest

from layers.catalogue import Catalogue
from layers.layer import parse_layer
from layers.plan import register
from layers.store import Store
from tests.data.import_town import DOOR, HOUSE, PLOT


@pytest.fixture(scope="module")
def town_store(store: Store) -> Store:
    for definition in (HOUSE, DOOR, PLOT):
        register(store, parse_layer(definition))
    return store


@pytest.fixture
def town(town_store: Store) -> Catalogue:
    """Return the catalogue of a city in which nothing has happened yet."""
    with town_store.write() as connection:
        connection.execute("TRUNCATE city.house, city.house_past, city.door, city.door_past, city.plot, city.plot_past, gis.search_entry, "
                           "gis.changeset_layer, gis.changeset CASCADE")
    return Catalogue(town_store)
