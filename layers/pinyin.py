"""The first letters of Chinese characters, as the search knows them, filled into the database at migration."""

from __future__ import annotations

import unicodedata
from collections import Counter
from importlib.metadata import version

from layers.store import Store

__all__ = ["FIRST", "LAST", "fill_pinyin", "initial_letters", "spelled"]

FIRST, LAST = 0x4E00, 0x9FFF
# A second reading counts if at least this share of the dictionary's phrases with the character use it.
SHARE = 0.08
# The rules of this module; a change of them makes the search's entries anew.
EDITION = 1


def _letter(syllable: str) -> str:
    return unicodedata.normalize("NFD", syllable)[0].lower()


def initial_letters() -> dict[str, str]:
    """Return {character: letters} for U+4E00 to U+9FFF: the usual reading's first letter, then at most one other.

    >>> letters = initial_letters()                                          # doctest: +SKIP
    >>> letters["望"], letters["重"]
    ('w', 'zc')
    """
    # Read here: the dictionaries take 30 MB, which only a migration needs.
    from pypinyin.constants import PINYIN_DICT
    from pypinyin.phrases_dict import phrases_dict

    used: dict[str, Counter[str]] = {}
    for phrase, readings in phrases_dict.items():
        if len(phrase) == len(readings):
            for character, syllables in zip(phrase, readings, strict=True):
                if syllables and syllables[0]:
                    used.setdefault(character, Counter())[_letter(syllables[0])] += 1
    letters: dict[str, str] = {}
    for code_point in range(FIRST, LAST + 1):
        readings_text = PINYIN_DICT.get(code_point)
        if not readings_text:
            continue
        character = chr(code_point)
        usual = _letter(readings_text.split(",")[0])
        known = {_letter(syllable) for syllable in readings_text.split(",")}
        counted = used.get(character, Counter())
        others = sorted((letter for letter in known - {usual} if counted[letter] >= max(1, SHARE * counted.total())),
                        key=lambda letter: (-counted[letter], letter))
        letters[character] = usual + (others[0] if others else "")
    return letters


def fill_pinyin(store: Store) -> bool:
    """Fill `gis.pinyin` where it is missing or of another edition, and make the entries that stand on it anew.

    Returns whether anything was done. Takes a second; nothing where the edition is the same.
    """
    edition = f"pypinyin {version('pypinyin')}, edition {EDITION}"
    with store.read() as connection:
        if connection.execute("SELECT 1 FROM gis.pinyin WHERE edition = %s", (edition,)).fetchone():
            return False
    letters = initial_letters()
    codes = [ord(found[0]) + (ord(found[1]) << 7 if len(found) > 1 else 0) if (found := letters.get(chr(code_point))) else 0
             for code_point in range(FIRST, LAST + 1)]
    with store.write() as connection:
        connection.execute("SELECT pg_advisory_xact_lock(4548, 1)")
        connection.execute("INSERT INTO gis.pinyin (edition, initials) VALUES (%s, %s) "
                           "ON CONFLICT (only_one) DO UPDATE SET edition = excluded.edition, initials = excluded.initials",
                           (edition, codes))
        connection.execute("SELECT gis.rebuild_search(layer) FROM (SELECT DISTINCT layer FROM gis.search_scope) s")
    return True


def spelled(text: str) -> str:
    """Return a text with its Chinese characters in pinyin without tones, each set apart by blanks.

    >>> spelled("区划代码A")
    'qu hua dai ma A'
    """
    from pypinyin import Style, lazy_pinyin

    return " ".join(part.strip() for part in lazy_pinyin(text, style=Style.NORMAL) if part.strip())
