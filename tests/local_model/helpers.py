"""For the tests of the local model: an engine without weights, and GBNF read as a regular expression.

The grammars that we build do not recurse, so each is a regular language: Python's `re` can then say what is in it, and
hypothesis can write what is. This reads all the GBNF that we write, and no more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from local_model.engine import Completion, Sampling
from local_model.errors import ModelError

BASH = {
    "type": "object",
    "properties": {"command": {"type": "string", "description": "The command to run."}},
    "required": ["command"],
}
DONE = {"type": "object", "properties": {"reason": {"type": "string"}}, "required": ["reason"]}


def tool(name: str, parameters: Mapping[str, Any] = BASH) -> dict[str, Any]:
    """A tool as a request has it."""
    function = {"name": name, "description": f"Use {name}.", "parameters": parameters}
    return {"type": "function", "function": function}


class FakeEngine:
    """Writes what `write` says, and counts words as tokens. Fails for the prompts that `write` raises on."""

    name = "fake"

    def __init__(self, write: Callable[[str, str | None], str] | str, *, context: int = 2000) -> None:
        self.write = write
        self.context = context
        self.asked: list[tuple[str, Sampling, str | None]] = []

    def count(self, text: str) -> int:
        return len(text.split())

    def complete(self, prompt: str, sampling: Sampling, grammar: str | None) -> Completion:
        if self.count(prompt) + sampling.max_tokens > self.context:
            raise ModelError("the prompt leaves no room")
        self.asked.append((prompt, sampling, grammar))
        text = self.write if isinstance(self.write, str) else self.write(prompt, grammar)
        words = re.findall(r"\S+\s*", text)
        cut = len(words) > sampling.max_tokens
        text = "".join(words[: sampling.max_tokens]) if cut else text
        return Completion(
            text, self.count(prompt), min(len(words), sampling.max_tokens), "length" if cut else "stop"
        )


_TOKEN = re.compile(
    r"""\s*(?:(?P<literal>"(?:[^"\\]|\\.)*")|(?P<set>\[(?:[^\]\\]|\\.)*\])"""
    r"""|(?P<rule>[a-z][a-z0-9-]*)|(?P<sign>\{\d+,\d+\}|[()|?]))""",
)


def regex_of(grammar: str) -> str:
    """A regular expression of the same language. Asserts on what it does not know."""
    rules = dict(line.split(" ::= ", 1) for line in grammar.splitlines())

    def expand(body: str) -> str:
        out, at = [], 0
        body = body.rstrip()
        while at < len(body):
            token = _TOKEN.match(body, at)
            assert token, f"not our GBNF: {body[at:]!r}"
            at = token.end()
            if token["literal"]:
                text = re.sub(r"\\(.)", r"\1", token["literal"][1:-1])
                out.append(f"(?:{re.escape(text)})")
            elif token["rule"]:
                out.append(f"(?:{expand(rules[token['rule']])})")
            else:
                out.append("(?:" if token["sign"] == "(" else token["set"] or token["sign"])
        return "".join(out)

    return expand(rules["root"])
