"""Every process is registered, described in both languages, and its own example is good."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import jsonschema
import pytest

import spatial_models
from spatial_models.faults import InvalidInputs
from spatial_models.process import Process
from spatial_models.registry import PROCESSES

MODULES = [importlib.import_module(f"spatial_models.{m.name}") for m in pkgutil.iter_modules(spatial_models.__path__)]
EVERY = pytest.mark.parametrize("process", PROCESSES.values(), ids=PROCESSES)


def test_every_process_has_a_line():
    made = {id(value): name for module in MODULES for name, value in vars(module).items() if isinstance(value, Process)}
    assert {made[id(p)] for p in PROCESSES.values()} == set(made.values())
    assert [p.id for p in PROCESSES.values()] == sorted(PROCESSES)


@EVERY
def test_is_described_in_both_languages(process: Process):
    english, chinese = process.describe("en"), process.describe("zh")

    def texts(part: object) -> list[str]:
        if isinstance(part, dict):
            own = [part[k] for k in ("title", "description") if isinstance(part.get(k), str)]
            return own + [text for value in part.values() if isinstance(value, dict | list) for text in texts(value)]
        return [text for each in part for text in texts(each)] if isinstance(part, list) else []

    assert len(texts(english)) == len(texts(chinese)) > 4
    assert all(text.isascii() or "GeoJSON" in text for text in texts(english))
    assert all(any("\u4e00" <= c <= "\u9fff" for c in text) for text in texts(chinese))


@EVERY
def test_description_is_as_the_standard_has_it(process: Process):
    described = process.describe()
    assert described["jobControlOptions"] == ["sync-execute", "async-execute", "dismiss"] and described["outputTransmission"] == ["value"]
    for each in described["inputs"].values():
        jsonschema.Draft202012Validator.check_schema(each["schema"])
        assert "$ref" not in str(each["schema"]) and each["minOccurs"] in (0, 1)
    (output,) = described["outputs"].values()
    jsonschema.Draft202012Validator.check_schema(output["schema"])


@EVERY
def test_the_example_fits_the_description(process: Process):
    given = process.describe()["example"]["inputs"]
    process.parse(given)
    for name, value in given.items():
        jsonschema.validate(value, process.describe()["inputs"][name]["schema"])


@EVERY
def test_inputs_are_strict(process: Process):
    for name in process.describe()["inputs"]:
        with pytest.raises(InvalidInputs) as refused:
            process.parse({**process.example, name: ["not", {"this": 1}]})
        assert refused.value.parameter.partition(".")[0] == name
    with pytest.raises(InvalidInputs, match="is not an input of this process"):
        process.parse({**process.example, "colour": "red"})


@pytest.mark.parametrize("module", MODULES, ids=lambda m: m.__name__)
def test_examples_in_the_documentation_run(module):
    assert doctest.testmod(module).failed == 0
