"""What ./run and ./test find out about a machine before there is any Python of the project's."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from config.settings import ROOT
from gisserver.ops.machine import missing_packages

SETUP = ROOT / "gisserver" / "ops" / "setup.sh"


@pytest.fixture
def shell(tmp_path):
    """Run a line with the set-up functions at hand, on a PATH of its own that holds the given programs."""
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    for name in ("sha256sum", "cat", "cut", "tr", "grep", "id", "mkdir", "rm", "env", "bash", "dirname", "readlink", "printf"):
        source = next((Path(folder, name) for folder in ("/usr/bin", "/bin") if Path(folder, name).exists()), None)
        if source:
            (bin_folder / name).symlink_to(source)

    def run(line: str, programs: dict[str, str] | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
        for name, body in (programs or {}).items():
            path = tmp_path / name if "/" in name else bin_folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"#!/bin/bash\n{body}\n")
            path.chmod(0o755)
        return subprocess.run(["/bin/bash", "-c", f'set -euo pipefail; root={ROOT}; . "{SETUP}"; {line}'], text=True, check=False,
                              capture_output=True, env={"PATH": str(bin_folder), "HOME": str(tmp_path), "GIS_VAR": str(tmp_path / "var")}
                              | environment)

    run.folder = tmp_path
    run.bin = bin_folder
    return run


NEW, OLD, SHIM = "exit 0", "exit 1", "echo 'pyenv: python3.13: command not found' >&2; exit 127"


def test_python_of_the_path(shell):
    assert shell("find_python", {"python3.12": NEW}).stdout.strip() == str(shell.bin / "python3.12")


def test_an_old_python3_will_not_do(shell):
    assert shell("find_python", {"python3": OLD}).returncode == 1


def test_a_shim_that_refuses_leads_to_the_pyenv_root(shell):
    found = shell("find_python", {"python3.13": SHIM, "python3": OLD, "root/versions/3.12.4/bin/python": NEW},
                  PYENV_ROOT=str(shell.folder / "root"))
    assert found.stdout.strip() == str(shell.folder / "root/versions/3.12.4/bin/python")


def test_the_pyenv_root_of_the_home_folder(shell):
    found = shell("find_python", {".pyenv/versions/3.13.0/bin/python": NEW, ".pyenv/versions/3.11.7/bin/python": NEW})
    assert found.stdout.strip() == str(shell.folder / ".pyenv/versions/3.13.0/bin/python")


def test_a_python_that_cannot_be_had_is_told(shell):
    uv = 'case "$1 $2" in "--version "*) exit 0 ;; "python install") echo "no network" >&2; exit 1 ;; esac; exit 1'
    done = shell('venv=$HOME/venv; ensure_python', {"uv": uv})
    assert done.returncode == 69
    assert "UV_PYTHON_INSTALL_MIRROR" in done.stderr


def test_messages_follow_the_language(shell):
    assert shell("say english 中文", LANG="zh_CN.UTF-8").stdout == "中文\n"
    assert shell("say english 中文", LANG="en_US.UTF-8").stdout == "english\n"
    assert shell("say english 中文", LANG="zh_CN.UTF-8", LC_ALL="C").stdout == "english\n"


def test_without_root_it_says_exactly_what_to_install(shell):
    done = shell("project_python() { printf 'required postgresql-16\\nrequired postgresql-16-postgis-3\\nwanted fonts-noto-cjk\\n'; }; "
                 "may_install() { return 1; }; ensure_packages")
    assert done.returncode == 69
    assert "apt-get install postgresql-16 postgresql-16-postgis-3 fonts-noto-cjk" in done.stderr


def test_a_wanted_package_stops_nothing(shell):
    done = shell("project_python() { echo 'wanted fonts-noto-cjk'; }; may_install() { return 1; }; ensure_packages; echo on")
    assert done.stdout == "on\n"
    assert "apt-get install fonts-noto-cjk" in done.stderr


def test_debian_is_kept_from_making_a_cluster_only_meanwhile(shell):
    """The drop-in stands while PostgreSQL's packages are installed, and is gone afterwards, also when that fails."""
    record = "as_root() { echo \"$*\" >&2; [ \"$1\" = tee ] && cat >&2 || true; }; "
    done = shell(record + "apt_get() { echo \"apt $*\" >&2; case $* in *postgis*) return 7 ;; esac; }; "
                 "install_packages postgresql-15 postgresql-15-postgis-3 || echo failed")
    steps = [line.split()[0] for line in done.stderr.splitlines()]
    assert steps == ["apt", "mkdir", "tee", "create_main_cluster", "apt", "rm"]
    assert "postgresql-common" in done.stderr.splitlines()[0]
    assert done.stdout == "failed\n"


def test_a_mirror_of_pip_is_uvs_too(shell):
    line = 'use_pips_mirror; echo "${UV_DEFAULT_INDEX:-none}"'
    assert shell(line).stdout == "none\n"
    assert shell(line, PIP_INDEX_URL="https://mirror.example/simple").stdout == "https://mirror.example/simple\n"
    assert shell(line, PIP_INDEX_URL="https://mirror.example/simple", UV_DEFAULT_INDEX="https://own.example").stdout == "https://own.example\n"


def test_this_machine_has_all_that_is_required():
    assert [missing for missing in missing_packages() if missing.required] == []


@pytest.mark.parametrize("script", ["run", "test", "gis", ".ci/run", "gisserver/ops/setup.sh"])
def test_scripts_can_be_read_by_bash(script):
    path = ROOT / script
    assert subprocess.run(["/bin/bash", "-n", path], check=False).returncode == 0
    assert script.endswith(".sh") or os.access(path, os.X_OK)
