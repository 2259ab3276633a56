"""Passwords: how they are kept, compared, made, and which are good enough."""

from __future__ import annotations

import secrets
import threading
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from layers.errors import InvalidParameter

__all__ = ["check_strength", "hash_password", "make_password", "matches", "needs_rehash"]

SHORTEST, LONGEST = 10, 256
# argon2id, 32 MiB and three passes (about 50 ms); more than RFC 9106 and OWASP ask at least, and two at once fit any server.
HASHER = PasswordHasher(time_cost=3, memory_cost=32 * 1024, parallelism=1)
AT_ONCE = threading.BoundedSemaphore(2)
# Compared against where there is no such account, so that the answer takes as long.
NOBODY = HASHER.hash(secrets.token_urlsafe(32))
COMMON = ("password", "passw0rd", "123456", "654321", "111111", "qwerty", "asdfgh", "letmein", "welcome", "administrator", "iloveyou",
          "woaini", "mima", "changeme", "abc123", "1q2w3e")
# Without what is easily mistaken when it is copied from a screen.
LETTERS = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"


def _plain(password: str) -> str:
    # The same password typed by another keyboard may come in another normal form.
    return unicodedata.normalize("NFKC", password)


def hash_password(password: str) -> str:
    """Return the argon2id hash of a password, with its parameters and salt."""
    with AT_ONCE:
        return HASHER.hash(_plain(password))


def matches(password: str, kept: str | None) -> bool:
    """Is this the password? With `kept` None (there is no such account) it takes as long and is not."""
    with AT_ONCE:
        try:
            HASHER.verify(kept or NOBODY, _plain(password[:4 * LONGEST]))
        except (VerificationError, InvalidHashError):
            return False
    return kept is not None


def needs_rehash(kept: str) -> bool:
    """Was the hash made with other parameters than today's?"""
    return HASHER.check_needs_rehash(kept)


def make_password() -> str:
    """Return a random password of 20 letters and digits in groups of five (116 bits)."""
    return "-".join("".join(secrets.choice(LETTERS) for _ in range(5)) for _ in range(4))


def check_strength(password: str, username: str, parameter: str = "password") -> None:
    """Refuse a weak password.

    It has 10 to 256 characters, three of the four kinds (small letters, capitals, digits, others) or at least 20 characters, at
    least 6 different ones, and contains neither the user name nor a common password.

    Raises InvalidParameter with the rule that it breaks.
    """
    plain = _plain(password)
    low = plain.lower()
    kinds = sum((any(c.islower() for c in plain), any(c.isupper() for c in plain), any(c.isdigit() for c in plain),
                 any(not (c.islower() or c.isupper() or c.isdigit()) for c in plain)))
    faults = (
        (len(plain) < SHORTEST, f"needs at least {SHORTEST} characters", f"至少 {SHORTEST} 个字符"),
        (len(plain) > LONGEST, f"has at most {LONGEST} characters", f"至多 {LONGEST} 个字符"),
        (any(unicodedata.category(c) == "Cc" for c in plain), "has control characters", "含有控制字符"),
        (kinds < 3 and len(plain) < 20, "needs three of: small letters, capitals, digits, other characters; or 20 characters",
         "须含小写、大写、数字、其他字符中的三种，或不少于 20 个字符"),
        (len(set(plain)) < 6, "repeats too few characters", "字符过于单一"),
        (len(username) > 2 and username.lower() in low, "contains the user name", "不能包含用户名"),
        (any(word in low for word in COMMON), "contains a common password", "不能包含常见密码"),
    )
    for is_broken, english, chinese in faults:
        if is_broken:
            raise InvalidParameter(parameter, english, chinese)
