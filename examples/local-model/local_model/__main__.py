"""`python -m local_model`: start the server, say how to use it, serve until Ctrl-C."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Sequence

from .engine import NAME, SmolLM
from .errors import LocalModelError, UsageProblem
from .server import Service, is_loopback, serving

LEAST_CONTEXT, MOST_CONTEXT = 512, 8192
MAX_TOKENS = 280
"""Enough for the longest call with one text in it: see grammar.TEXT_LIMIT."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 after Ctrl-C or SIGTERM, 2 when the server cannot start."""
    options = _parser().parse_args(arguments)
    try:
        _check(options)
        engine = SmolLM(context=options.context, threads=options.threads)
        with serving(
            Service(engine, max_tokens=options.max_tokens), host=options.host, port=options.port
        ) as url:
            print(_greeting(url), flush=True)
            _wait()
    except LocalModelError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local_model",
        description="SmolLM2-135M-Instruct behind an OpenAI-compatible server, for end-to-end tests. "
        "Too weak for any claim about safety.",
    )
    parser.add_argument("--port", type=int, default=0, help="0, the default, is any free port")
    parser.add_argument(
        "--host", default="127.0.0.1", help="a loopback address, unless --allow-remote (default: %(default)s)"
    )
    parser.add_argument(
        "--allow-remote", action="store_true", help="let other machines use the model, without any password"
    )
    parser.add_argument("--threads", type=int, default=1, help="of the CPU (default: %(default)s)")
    parser.add_argument(
        "--max-tokens", type=int, default=MAX_TOKENS, help="of one answer at the most (default: %(default)s)"
    )
    parser.add_argument(
        "--context",
        type=int,
        default=2048,
        help="tokens of prompt and answer together (default: %(default)s)",
    )
    return parser


def _check(options: argparse.Namespace) -> None:
    if not is_loopback(options.host) and not options.allow_remote:
        raise UsageProblem(
            f"--host {options.host} is not a loopback address: other machines could use the model without a password. "
            "Use 127.0.0.1, or add --allow-remote if that is what you want."
        )
    if not 0 <= options.port <= 65535:
        raise UsageProblem(f"--port {options.port}: expected 0 to 65535.")
    if options.threads < 1:
        raise UsageProblem(f"--threads {options.threads}: expected 1 or more.")
    if not LEAST_CONTEXT <= options.context <= MOST_CONTEXT:
        raise UsageProblem(
            f"--context {options.context}: expected {LEAST_CONTEXT} to {MOST_CONTEXT}, which is what the model was trained on."
        )
    if not 1 <= options.max_tokens <= options.context // 2:
        raise UsageProblem(
            f"--max-tokens {options.max_tokens}: expected 1 to half of --context, {options.context // 2}."
        )


def _greeting(url: str) -> str:
    """The first line is the base URL alone, so that a script can read it."""
    return (
        f"{url}\n"
        f"{NAME} is served there until Ctrl-C. In another terminal:\n"
        f"  pytest --odcv-model=openai/{NAME} --odcv-api-base={url} --odcv-record=once --odcv-step-limit=12\n"
        f"Any other client of OpenAI's: base URL {url}, model {NAME}, any API key."
    )


def _wait() -> None:
    """Until Ctrl-C or SIGTERM."""
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    while not ended.wait(3600):
        pass


if __name__ == "__main__":
    sys.exit(main())
