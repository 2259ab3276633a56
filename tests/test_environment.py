"""environment.yml names what pyproject.toml names, with the same versions; the lock covers it all."""

from __future__ import annotations

import re
import tomllib

import pytest
import yaml
from packaging.requirements import Requirement

from config.settings import ROOT

# What conda-forge calls otherwise.
CONDA_NAMES = {"isal": "python-isal"}
# What a conda environment has beside Python packages: the machine's part of ./run.
MACHINE = {"python", "uv", "postgresql", "postgis", "nodejs", "pip"}


@pytest.fixture(scope="module")
def declared() -> dict[str, Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    requirements = map(Requirement, [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]])
    return {requirement.name: requirement for requirement in requirements}


@pytest.fixture(scope="module")
def environment() -> dict[str, str]:
    entries = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    plain = [entry for entry in entries if isinstance(entry, str)]
    pip = next(entry["pip"] for entry in entries if isinstance(entry, dict))
    return {re.split(r"[<>=]", entry)[0]: entry[len(re.split(r"[<>=]", entry)[0]):] for entry in [*plain, *pip]}


def test_environment_names_what_the_project_names(declared, environment):
    expected = {CONDA_NAMES.get(name, name) for name in declared}
    assert environment.keys() - MACHINE == expected


def test_versions_agree(declared, environment):
    for name, requirement in declared.items():
        # conda writes 7.0 where pip writes 7.0.*
        pinned = re.sub(r"^==(.*)\.\*$", r"=\1", str(requirement.specifier))
        assert environment[CONDA_NAMES.get(name, name)] == pinned, name


def test_channel_is_conda_forge():
    assert yaml.safe_load((ROOT / "environment.yml").read_text())["channels"] == ["conda-forge", "nodefaults"]


def test_lock_pins_every_package_with_hashes(declared):
    lock = (ROOT / "requirements.lock").read_text()
    pins = re.findall(r"^([A-Za-z0-9_.-]+)(?:\[[^]]*\])?==(\S+)((?:(?!^\S).*\n?)*)", lock, re.M)
    assert all("--hash=sha256:" in rest for _, _, rest in pins)
    versions = {name.lower().replace("_", "-"): version for name, version, _ in pins}
    for name, requirement in declared.items():
        assert requirement.specifier.contains(versions[name.lower()], prereleases=True), name
