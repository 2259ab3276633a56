"""Words in the two languages of the client."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Words"]


class Words(NamedTuple):
    """A text in English and Chinese."""

    en: str
    zh: str

    def to(self, language: str) -> str:
        """Return the text in a language ('zh'; anything else is English)."""
        return self.zh if language == "zh" else self.en
