"""Which names of variables say that their value is a secret, and which values are no secret whatever they are called."""

from __future__ import annotations

import re
from functools import lru_cache

SHORTEST = 4
"""Characters. A shorter value stands in too many texts by chance."""
_SEGMENTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_SECRET = frozenset(
    [
        "apikey",
        "apikeys",
        "auth",
        "authkey",
        "bearer",
        "cookie",
        "credential",
        "credentials",
        "creds",
        "jwt",
        "key",
        "keys",
        "pass",
        "passphrase",
        "passwd",
        "password",
        "passwords",
        "pat",
        "pin",
        "pw",
        "pwd",
        "secret",
        "secrets",
        "signature",
        "token",
        "tokens",
    ]
)
_STRONG = frozenset(
    ["credential", "credentials", "passphrase", "passwd", "password", "passwords", "secret", "secrets"]
)
"""Secret even where an `id` follows: HashiCorp's `SECRET_ID` is half of a login."""
_ENDS = (
    "accesskey",
    "apikey",
    "authtoken",
    "password",
    "passwd",
    "passphrase",
    "privatekey",
    "secret",
    "secretkey",
    "token",
)
"""Of names without separators, such as PGPASSWORD."""
_ABOUT = frozenset(
    [
        "agent",
        "alg",
        "algo",
        "algorithm",
        "backend",
        "board",
        "budget",
        "count",
        "days",
        "dir",
        "disabled",
        "domain",
        "enabled",
        "endpoint",
        "expires",
        "expiry",
        "file",
        "folder",
        "format",
        "header",
        "helper",
        "host",
        "hosts",
        "hours",
        "ids",
        "kind",
        "len",
        "length",
        "level",
        "limit",
        "limits",
        "max",
        "method",
        "methods",
        "min",
        "mode",
        "name",
        "names",
        "parallelism",
        "path",
        "paths",
        "policy",
        "port",
        "prefix",
        "provider",
        "providers",
        "region",
        "required",
        "ring",
        "rotation",
        "scheme",
        "server",
        "size",
        "sock",
        "socket",
        "store",
        "suffix",
        "timeout",
        "ttl",
        "type",
        "types",
        "uri",
        "url",
        "usage",
        "user",
        "username",
        "version",
    ]
)
"""What follows says something about a secret: its file, its length, how it is used."""
_NOT_BEFORE = frozenset(
    ["cache", "foreign", "max", "min", "num", "partition", "primary", "public", "sort", "total"]
)
"""`PUBLIC_KEY` is no secret, nor is `MAX_TOKENS`."""
_WORD = re.compile(r"[A-Za-z]?[a-z]{1,15}|[A-Z]{2,16}")
_UNSPEAKABLE = re.compile(r"[bcdfghjklmnpqrstvwxz]{5}", re.IGNORECASE)
_DUMMIES = frozenset(
    [
        "dummy-key",
        "ignored-key",
        "lm-studio",
        "no-key",
        "no-key-needed",
        "none-needed",
        "not-needed",
        "not-used",
        "unused-key",
    ]
)
"""What users write where a client insists on a key and the server wants none."""


@lru_cache(maxsize=4096)
def is_secret_name(name: str) -> bool:
    """Whether a variable of this name holds a secret, read segment by segment.

    Args:
        name: As in the environment: `STRIPE_KEY` and `stripeKey` are, `GIT_AUTHOR_NAME`, `SSH_AUTH_SOCK` and `MAX_TOKENS` are not.
    """
    segments = [segment.lower() for segment in _SEGMENTS.findall(name)]
    if segments == ["pwd"]:  # The shell's working folder.
        return False
    for number, segment in enumerate(segments):
        if segment not in _SECRET and not (len(segment) > 6 and segment.endswith(_ENDS)):
            continue
        if number and segments[number - 1] in _NOT_BEFORE:
            continue
        after = segments[number + 1 :]
        about = _ABOUT if segment in _STRONG else _ABOUT | {"id"}
        if not about.intersection(after):
            return True
    return False


def why_no_secret(value: str) -> str:
    """Why a value is taken for no secret though its variable's name says so, as the end of a sentence; "" where it is one."""
    if len(value) < SHORTEST:
        return f"is shorter than {SHORTEST} characters"
    if is_ordinary(value):
        return "is an ordinary word or number"
    return ""


def is_ordinary(value: str) -> bool:
    """Whether a value is a word such as `quarantine` or a short number, which occurs in texts that have nothing to do with it.

    A word has up to 16 letters of one case and no run of five consonants: random letters nearly always have one.
    """
    if value.lower() in _DUMMIES or (value.isdigit() and len(value) < 6):
        return True
    return _WORD.fullmatch(value) is not None and _UNSPEAKABLE.search(value) is None


def looks_random(value: str) -> bool:
    """Whether a value may be a key where only its surroundings say so: it has a digit, changes its case within, or is long.

    "Bearer bonds" and "basic accounting" are prose.
    """
    if any(char.isdigit() for char in value):
        return True
    inner = value[1:]
    mixed = any(char.isupper() for char in inner) and any(char.islower() for char in inner)
    return mixed or (len(value) >= 24 and not re.search(r"[-_/][a-z]+[-_/]", value))
