"""Bring a store up to date: schema, pinyin, city, code schemes and layers, in this order, as often as one likes."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from config.settings import ROOT
from layers.catalogue import set_city, set_code_schemes
from layers.city import read_city
from layers.definition_file import read_definition
from layers.layer import read_layers
from layers.migrate import migrate
from layers.pinyin import fill_pinyin
from layers.plan import Step, apply
from layers.store import Store

__all__ = ["LAYERS", "Preparation", "prepare_store"]

LAYERS = ROOT / "config" / "layers"
CODE_SCHEMES = ROOT / "config" / "standards" / "code_schemes.yaml"


@dataclass
class Preparation:
    """What was done: migrations by name, whether the city's definition changed, and the steps of the layers."""

    migrations: list[str] = field(default_factory=list)
    city_changed: bool = False
    steps: list[Step] = field(default_factory=list)


def prepare_store(store: Store, city: Path, layers: Path = LAYERS, *, allow_loss: bool = False) -> Preparation:
    """Migrate the store, set its city and apply the layer definitions.

    Raises DefinitionError where a definition is wrong or would lose data, Unavailable where a migration fails.
    """
    done = Preparation(migrate(store))
    fill_pinyin(store)
    done.city_changed = set_city(store, read_city(city))
    set_code_schemes(store, read_definition(CODE_SCHEMES))
    done.steps = apply(store, read_layers(layers), allow_loss)
    return done
