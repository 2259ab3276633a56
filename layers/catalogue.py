"""The catalogue: the city and its layers as the database has them now."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from psycopg.types.json import Jsonb

from layers.city import City
from layers.errors import DefinitionChanged, DefinitionError, InvalidParameter, Unavailable, UnknownLayer
from layers.layer import Layer, parse_layer
from layers.published_styles import read_variants
from layers.store import Store

__all__ = ["Catalogue", "set_city", "set_code_schemes"]

# A layer can be defined anew while something is made of it; that does not go on for ever.
TRIES = 3


class Catalogue:
    """A process's copy of the definitions, renewed when the database has newer ones.

    Attributes
    ----------
    layers
        {id: Layer}, all layers of the city in the order of their drawing, with the styles that were published of them.
    city
        The City; DefinitionError where none was set.
    version
        Counts every change of definitions.
    versions
        {id: number}, which of a layer's definitions holds; a layer that is made again goes on counting.
    drawn
        {id: number}, the same for what maps are made from: it also counts every change of a layer's published styles.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.version = -1
        self.layers: dict[str, Layer] = {}
        self.versions: dict[str, int] = {}
        self.drawn: dict[str, int] = {}
        self._city: City | None = None
        self.refresh()

    @property
    def city(self) -> City:
        if self._city is None:
            raise DefinitionError(["The store has no city yet: run 'gis migrate' with a city.yaml."])
        return self._city

    def layer(self, layer_id: str) -> Layer:
        """Return a layer. Raises UnknownLayer."""
        try:
            return self.layers[layer_id]
        except KeyError:
            raise UnknownLayer(layer_id) from None

    def referring_to(self, layer_id: str) -> list[tuple[Layer, str]]:
        """Return what refers to a layer, as (layer, name of the reference field)."""
        return [(layer, f.name) for layer in self.layers.values() for f in layer.fields if f.references == layer_id]

    def by_standing[T](self, make: Callable[[int], T], refresh: Callable[[], object] | None = None) -> T:
        """Return what is made by the definitions that stand: where they changed meanwhile they are read again, and it is made again.

        `make(version)` takes its layers from here each time, and after its last reading calls `require(version)`, unless its statement tells the
        number itself. `refresh` reads the definitions again (None: this catalogue alone). Raises DefinitionChanged where they change again and again.
        """
        for _ in range(TRIES):
            version = self.version
            try:
                return make(version)
            except (Unavailable, InvalidParameter) as error:
                # What a layer does not have any more is not there or cannot be asked for.
                (refresh or self.refresh)()
                if self.version == version and not isinstance(error, DefinitionChanged):
                    raise
        raise DefinitionChanged

    def require(self, version: int) -> None:
        """Raise DefinitionChanged where newer definitions stand than those of a version: what was read just now may be of the new ones."""
        with self.store.read() as connection:
            row = connection.execute("SELECT version FROM gis.catalogue_state").fetchone()
        if row is not None and row[0] > version:
            raise DefinitionChanged

    def refresh(self) -> bool:
        """Read the definitions again if the database has newer ones; tell whether it had."""
        with self.store.read() as connection:
            row = connection.execute("SELECT version FROM gis.catalogue_state").fetchone()
            version = row[0] if row else 0
            if version == self.version:
                return False
            city = connection.execute("SELECT definition FROM gis.city").fetchone()
            rows = connection.execute("SELECT written, layer, version FROM gis.layer_definition WHERE is_present").fetchall()
            layers = [parse_layer(definition, "catalogue") for definition, _, _ in rows]
            layers.sort(key=lambda layer: (layer.symbology.order if layer.symbology else 1000, layer.id))
            variants, changes = read_variants(connection, {layer.id: layer for layer in layers})
        self.layers = {layer.id: layer.with_variants(variants[layer.id]) if layer.id in variants else layer for layer in layers}
        self.versions = {layer: version for _, layer, version in rows}
        self.drawn = {layer: version + changes.get(layer, 0) for layer, version in self.versions.items()}
        self._city = City.model_validate(city[0]) if city else None
        self.version = version
        return True


def set_city(store: Store, city: City) -> bool:
    """Store the city's definition; return whether it is new or changed.

    Raises DefinitionError if layers exist already and the storage CRS would change: their geometries are in it.
    """
    definition = city.model_dump(mode="json")
    with store.write() as connection:
        row = connection.execute("SELECT definition, storage_srid, (SELECT count(*) FROM gis.layer_definition) "
                                 "FROM gis.city FOR UPDATE").fetchone()
        if row and row[0] == definition:
            return False
        if row and row[2] and row[1] != city.storage_srid:
            raise DefinitionError([f"storage_srid: the layers are kept in EPSG:{row[1]}; a new one needs a new store"])
        if row and row[2] and row[0]["id"] != city.id:
            raise DefinitionError([f"id: this store is the city '{row[0]['id']}'; use another store (GIS_VAR) for '{city.id}'"])
        connection.execute(
            "INSERT INTO gis.city (definition, storage_srid, projected_srid, extent) "
            "SELECT %(city)s, %(storage)s, %(projected)s, ST_Transform(ST_MakeEnvelope(%(e0)s, %(e1)s, %(e2)s, %(e3)s, 4326), %(storage)s) "
            "ON CONFLICT (only_one) DO UPDATE SET definition = excluded.definition, storage_srid = excluded.storage_srid, "
            "projected_srid = excluded.projected_srid, extent = excluded.extent",
            {"city": Jsonb(definition), "storage": city.storage_srid, "projected": city.projected_srid}
            | {f"e{i}": v for i, v in enumerate(city.extent)})
        connection.execute("UPDATE gis.catalogue_state SET version = version + 1")
    return True


def set_code_schemes(store: Store, schemes: dict[str, dict[str, Any]]) -> None:
    """Store the schemes of official codes: {scheme: {"pattern", "check_system"?, "title", …}}."""
    with store.write() as connection:
        connection.execute("DELETE FROM gis.code_scheme")
        _insert_schemes(connection, schemes.items())


def _insert_schemes(connection: Any, schemes: Iterable[tuple[str, dict[str, Any]]]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany("INSERT INTO gis.code_scheme (scheme, definition) VALUES (%s, %s)",
                           [(name, Jsonb(definition)) for name, definition in schemes])
