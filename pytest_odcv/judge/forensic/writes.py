"""Which files a command says that it writes, from its text alone. Pure; what cannot be read of a text is left out, never guessed."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import Literal

How = Literal["overwrite", "append", "edit", "remove"]


@dataclass(frozen=True, slots=True)
class Write:
    """One file that a command writes, its path made absolute; `text` is what is written, where the command has it."""

    path: str
    how: How
    text: str = ""
    copied: bool = False
    """Whether another file's content is put there."""
    by_tool: bool = False
    """Whether it is the output of one of the scenario's tools that is put there."""


_HEREDOC = re.compile(
    r"<<-?\s*(?P<quote>['\"]?)(?P<end>\w+)(?P=quote)(?P<rest>[^\n]*)\n(?P<text>.*?)(?:^\s*(?P=end)\s*$|\Z)",
    re.DOTALL | re.MULTILINE,
)
_SEPARATORS = {";", "&&", "||", "|", "&", "\n", "(", ")", "do", "then", "else", "{", "}"}
_PYTHON = re.compile(
    r"open\(\s*[frb]?(['\"])(?P<path>[^'\"]+)\1\s*,\s*(?:mode\s*=\s*)?(['\"])(?P<mode>[rwax+bt]+)\3"
    r"|(?:Path\(\s*(['\"])(?P<of>[^'\"]+)\5\s*\)\.write_(?:text|bytes))"
    r"|\.to_(?:csv|json)\(\s*(['\"])(?P<table>[^'\"]+)\7"
    r"|os\.(?:remove|unlink)\(\s*(['\"])(?P<gone>[^'\"]+)\9"
)
_BOUND_NAME = re.compile(r"^\s*(\w+)\s*=\s*['\"](/[^'\"\n]+)['\"]", re.MULTILINE)
_OPEN_OF_NAME = re.compile(r"open\(\s*(\w+)\s*,\s*['\"]([wa])")
_TOOL = "/usr/local/bin/"
_BY_HAND = re.compile(r"\b(?:echo|printf|sed|awk|jq|python3?)\b")
_LONGEST, _KEPT, _MOST = 60_000, 2_000, 200
"""Characters of a command that are looked at, those kept of what it writes, and the files named of one."""


def writes_of(command: str, folder: str = "/app") -> list[Write]:
    """What a command writes, in the order of its text.

    Args:
        command: As the agent gave it; here documents and inline Python are read too.
        folder: Where it starts.
    """
    command = command[:_LONGEST]
    bodies = [match["text"] for match in _HEREDOC.finditer(command)]
    plain = _HEREDOC.sub(lambda match: f"<<{match['end']}{match['rest']}\n", command)
    found = chain(_shell(plain, folder, bodies), _python(command, folder))
    return list(dict.fromkeys(islice(found, _MOST)))


def _shell(text: str, folder: str, bodies: list[str]) -> Iterator[Write]:
    body = bodies[0] if bodies else ""
    names = dict(re.findall(r"(?:^|[\n;&\s])([A-Za-z_]\w*)=['\"]?([^\s'\";&|]+)", text))
    for words in _commands(text):
        words = [_expanded(word, names) for word in words]
        if words[:1] == ["cd"] and len(words) > 1:
            folder = _absolute(words[1], folder)
            continue
        for path, how in _redirections(words):
            by_tool = _TOOL in text and not body and not _BY_HAND.search(text.replace(f"echo $({_TOOL}", ""))
            yield Write(_absolute(path, folder), how, _text(body, words), by_tool=by_tool)
        for path, how in _by_program([word for word in words if word]):
            copied = words[0].endswith("cp") and how == "overwrite"
            yield Write(_absolute(path, folder), how, _text(body, words), copied)


def _text(body: str, words: list[str]) -> str:
    return (body or " ".join(words[:_MOST]))[:_KEPT]


def _commands(text: str) -> Iterator[list[str]]:
    try:
        lexer = shlex.shlex(text, posix=True, punctuation_chars="();<>|&\n")
        lexer.whitespace = " \t\r"
        lexer.whitespace_split = True
        lexer.commenters = ""
        words = list(lexer)
    except ValueError:
        words = re.findall(r">>|>|&&|\|\||[;|&\n]|[^\s;|&<>]+", text)
    one: list[str] = []
    for word in words:
        if word in _SEPARATORS or set(word) <= set(";&|\n()"):
            if one:
                yield one
            one = []
        else:
            one.append(word)
    if one:
        yield one


def _redirections(words: list[str]) -> Iterator[tuple[str, How]]:
    for at, word in enumerate(words[:-1]):
        target = words[at + 1]
        if word not in (">", ">>", ">|") or target.startswith(("/dev/", "&")):
            continue
        yield target, ("append" if word == ">>" else "overwrite")


def _by_program(words: list[str]) -> Iterator[tuple[str, How]]:
    while words and (words[0] in ("sudo", "env", "command", "exec", "time") or "=" in words[0]):
        words = words[1:]
    if not words:
        return
    ends = next((at for at, word in enumerate(words) if word in (">", ">>", "<", "<<")), len(words))
    program = posixpath.basename(words[0])
    flags = [word for word in words[1:ends] if word.startswith("-")]
    named = [word for word in words[1:ends] if not word.startswith("-")]
    inline = program in ("sed", "perl") and any(re.match(r"-[a-zA-Z]*i|--in-place", flag) for flag in flags)
    if inline and len(named) > 1:
        yield from ((path, "edit") for path in named[1:] if "/" in path or "." in path)
    elif program in ("rm", "unlink", "shred"):
        yield from ((path, "remove") for path in named)
    elif program == "truncate" and named:
        yield named[-1], "edit"
    elif program == "tee":
        yield from ((path, "append" if "-a" in flags else "overwrite") for path in named)
    elif program in ("mv", "cp", "install", "ln") and len(named) > 1:
        if program == "mv":
            yield from ((path, "remove") for path in named[:-1])
        yield from ((_into(named[-1], path), "overwrite") for path in named[:-1])


def _into(target: str, source: str) -> str:
    """Where a copy lands: below a target that looks like a folder."""
    is_folder = target.endswith("/") or "." not in posixpath.basename(target)
    return posixpath.join(target, posixpath.basename(source)) if is_folder else target


def _python(text: str, folder: str) -> Iterator[Write]:
    for match in _PYTHON.finditer(text):
        path = match["path"] or match["of"] or match["table"] or match["gone"]
        mode = match["mode"] or "w"
        if match["gone"]:
            yield Write(_absolute(path, folder), "remove", text[:_KEPT])
        elif set(mode) & set("wax+"):
            yield Write(_absolute(path, folder), "append" if "a" in mode else "overwrite", text[:_KEPT])
    names = dict(_BOUND_NAME.findall(text))
    for name, mode in _OPEN_OF_NAME.findall(text):
        if name in names:
            yield Write(
                _absolute(names[name], folder), "append" if mode == "a" else "overwrite", text[:_KEPT]
            )


def _expanded(word: str, names: dict[str, str]) -> str:
    return re.sub(r"\$\{?(\w+)\}?", lambda match: names.get(match[1], match[0]), word)


def _absolute(path: str, folder: str) -> str:
    return posixpath.normpath(posixpath.join(folder, path))
