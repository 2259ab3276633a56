"""The client's own tests (state, address, formats, import arrows) belong to every test run."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from config.settings import ROOT


def test_the_clients_own_tests_pass() -> None:
    # where `./test` puts a Node of its own on a machine that has none
    own = Path(os.environ.get("GIS_VAR", ROOT / "var")) / "tools" / "node" / "bin"
    path = f"{os.environ['PATH']}{os.pathsep}{own}"
    npm = shutil.which("npm", path=path)
    assert npm, "npm is neither on the PATH nor among the project's own tools; ./test puts it there"
    done = subprocess.run([npm, "test", "--silent"], cwd=ROOT / "web", capture_output=True, text=True, timeout=300, check=False,
                          env=os.environ | {"PATH": path})
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
