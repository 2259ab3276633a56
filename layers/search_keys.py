"""The keys of a question to the search, in the same numbers as those of its entries (`layers/sql/410_search_keys.sql`)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from layers.pinyin import FIRST, LAST

__all__ = ["contains_pattern", "initials_grams", "is_letters", "letter_sets", "pair_grams", "spells"]

INITIALS, LATIN, HEAD = 0xD800, 0xD900, 0xDA00
# So many grams narrow a million entries down to a few; more only cost.
ENOUGH = 6
# Letters say nothing alone; digits are as they are read.
_LETTERS = re.compile(r"(?=.*[a-z])[a-z0-9]+")
# Numbers and the words that follow them in addresses.
_IDLE = re.compile(r"[0-9号院楼单元室门层]")


def _number(mark: int, rest: int) -> int:
    """Return (mark << 16) | rest as PostgreSQL's four-byte integer."""
    value = ((mark << 16) | rest) & 0xFFFFFFFF
    return value - (1 << 32) if value >= 1 << 31 else value


def _is_latin(character: str) -> bool:
    return "a" <= character <= "z"


def pair_grams(norm: str) -> set[int]:
    """Return grams of a text in normal form that every entry containing it has; empty for a single character.

    Pairs such as '8号' or '号楼' stand in nearly every address: they would cost time and exclude nothing, so they are left
    out where other grams remain. Of many, the last are taken: addresses begin with what they have in common.

    >>> pair_grams("望京8号") == {(0x671B << 16) | 0x4EAC}
    True
    """
    pairs = [a + b for a, b in zip(norm, norm[1:], strict=False) if not (_is_latin(a) and _is_latin(b))]
    telling = [pair for pair in pairs if pair.isdecimal() or not _IDLE.search(pair)] or pairs
    threes = [three for i in range(len(norm) - 2) if all(map(_is_latin, three := norm[i:i + 3]))]
    return {_number(ord(a), ord(b) & 0xFFFF) for a, b in telling[-ENOUGH:]} | {
        _number(LATIN, (ord(a) << 14) | (ord(b) << 7) | ord(c)) for a, b, c in threes[-ENOUGH:]}


def is_letters(norm: str) -> bool:
    """Can the text be initials of pinyin: Latin letters, with or without digits?"""
    return _LETTERS.fullmatch(norm) is not None


def initials_grams(letters: str) -> set[int]:
    """Return the grams of initials: neighbouring threes; for two letters, those a name begins with."""
    if len(letters) == 2:
        return {_number(HEAD, (ord(letters[0]) << 7) | ord(letters[1]))}
    return {_number(INITIALS, (ord(a) << 14) | (ord(b) << 7) | ord(c))
            for a, b, c in zip(letters, letters[1:], letters[2:], strict=False)}


def contains_pattern(parts: Sequence[str]) -> str:
    """Return a regular expression for texts with all parts in this order; '8号' is not found in '18号'.

    A gate number also stands for its compound: '8号院' finds '8号'.
    """
    written = []
    for part in parts:
        text = re.escape(part.removesuffix("院")) + "院?" if re.search(r"\d号院$", part) and len(parts) > 1 else re.escape(part)
        written.append(("(?<![0-9])" if part[0].isdigit() else "") + text)
    return ".*".join(written)


def letter_sets(norm: str, initials: Sequence[int]) -> list[set[str]]:
    """Return the letters that each character of a text can be spelled by, without characters that have none.

    `initials` is gis.pinyin's array.
    """
    sets = []
    for character in norm:
        code = initials[ord(character) - FIRST] if FIRST <= ord(character) <= LAST and initials else 0
        if code:
            sets.append({chr(code & 127)} | ({chr(code >> 7)} if code >> 7 else set()))
        elif character.isascii() and character.isalnum():
            sets.append({character})
    return sets


def spells(letters: str, sets: Sequence[set[str]]) -> int | None:
    """Return where in a text (by its letter sets) the letters are spelled first; None if nowhere."""
    for start in range(len(sets) - len(letters) + 1):
        if all(letter in found for letter, found in zip(letters, sets[start:], strict=False)):
            return start
    return None
