"""The verbs of `gis`: a module each, found by this table."""

__all__ = ["COMMANDS"]

# verb: module in this folder, whose `command` it is
COMMANDS = {
    "up": "up",
    "serve": "serve",
    "migrate": "migrate",
    "work": "work",
    "demo": "demo",
    "layer": "layer",
    "import": "import_",
    "export": "export",
    "coverage": "coverage",
    "seed": "seed",
    "tiles3d": "tiles3d",
    "user": "user",
    "key": "key",
    "audit": "audit",
    "outside": "outside",
    "backup": "backup",
    "restore": "restore",
    "doctor": "doctor",
    "cluster": "cluster",
    "bench": "bench",
}
