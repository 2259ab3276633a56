"""HTML pages from templates; every asset is the service's own."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from gisserver.page_words import WORDS

__all__ = ["CONTENT_SECURITY_POLICY", "STATIC", "TEMPLATES", "render"]

TEMPLATES = Path(__file__).parent / "templates"
STATIC = Path(__file__).parent / "static"
# No request leaves the service's own host.
CONTENT_SECURITY_POLICY = ("default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
                           "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'")


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined, trim_blocks=True,
                              lstrip_blocks=True, autoescape=select_autoescape(("html",)))
    environment.filters["text"] = lambda text, language: getattr(text, language, None) or text
    environment.tests["plain_list"] = lambda value: isinstance(value, list) and not any(isinstance(v, dict | list) for v in value)
    return environment


def render(template: str, language: str, **values: Any) -> str:
    """Render a template in a language ('zh' or 'en'), with the words of that language as `w`."""
    return _environment().get_template(template).render(language=language, w=WORDS[language], **values)
