"""Files of definitions in YAML: read whole, and what cannot be read told in one sentence with the file's name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from layers.errors import DefinitionError

__all__ = ["read_definition"]


def read_definition(path: Path) -> Any:
    """Return what a YAML file holds.

    Raises DefinitionError that names the file: there is none, it is not UTF-8, no YAML, or a value is none of its kind (the 31st of June).
    """
    try:
        return yaml.safe_load(path.read_text("utf-8"))
    except FileNotFoundError:
        raise DefinitionError([f"{path}: there is no such file"]) from None
    except UnicodeDecodeError as error:
        raise DefinitionError([f"{path.name}: is not in UTF-8 (byte {error.start + 1} is none of it); save it in UTF-8"]) from None
    except (yaml.YAMLError, ValueError) as error:
        raise DefinitionError([f"{path.name}: {error}"]) from None
    except RecursionError:
        raise DefinitionError([f"{path.name}: is nested too deep"]) from None
