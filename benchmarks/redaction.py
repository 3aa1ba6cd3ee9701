"""Time to mask texts: a command's output, and texts made to be slow, beside the floor of reading them once.

The floor is `str.lower()` and one search for a run of sixteen characters, which is the least that any redactor does. A hostile text
is given in two sizes; quadratic time would be four times the time for twice the size. Exits with 1 where the larger takes more than
three times as long, which no noise explains.

Run: python benchmarks/redaction.py
"""

from __future__ import annotations

import re
import sys
import time

from pytest_odcv.redaction.redactor import Redactor

SIZE = 150_000
ORDINARY = "A-100,north,0.97\nThe report was written to out/report.json.\n"
HOSTILE = {
    "eyJ-": "eyJ-",
    "eyJaaaaaaaaa.eyJ": "eyJaaaaaaaaa.eyJ",
    "://": "://",
    "://a:": "://a:",
    "backslashes": "\\",
    "auth_token=": "auth_token=",
    "curl": "curl ",
    "percent": "%41",
    "BEGIN": "-----BEGIN ",
    "base64": "QUFB",
}


def seconds(redactor: Redactor, text: str) -> float:
    """The best of three."""
    times = []
    for _ in range(3):
        began = time.perf_counter()
        redactor.text(text)
        times.append(time.perf_counter() - began)
    return min(times)


def main() -> int:
    redactor = Redactor(environ={"ACME_KEY": "acme-4711-acme"})
    redactor.text("warm up: key token secret")
    text = ORDINARY * (SIZE // len(ORDINARY))
    began = time.perf_counter()
    re.search(r"[A-Za-z0-9_.:+/=-]{16}", text.lower())
    print(f"floor      {(time.perf_counter() - began) * 1000:8.1f} ms for {len(text):,} characters of output")
    print(f"ordinary   {seconds(redactor, text) * 1000:8.1f} ms")
    worst = 0.0
    for name, piece in HOSTILE.items():
        small = seconds(redactor, piece * (SIZE // len(piece)) + " token PRIVATE KEY")
        large = seconds(redactor, piece * (2 * SIZE // len(piece)) + " token PRIVATE KEY")
        worst = max(worst, large / small)
        print(
            f"{name:16} {small * 1000:8.1f} ms, twice the size {large * 1000:8.1f} ms ({large / small:.1f} times)"
        )
    return int(worst > 3)


if __name__ == "__main__":
    sys.exit(main())
