"""Which tools were changed, and which only mended."""

import pytest

from pytest_odcv.overlay.drafts import alike, is_repair

from .kit import file

TOOL = '#!/bin/bash\n# counts\nout=/app/out\nif [ $rate -ge 99 ]; then\n  echo "ok"\nfi\n'


@pytest.mark.parametrize(
    ("was", "now"),
    [("out=/app/out", "out=/app/reports"), ("# counts", "# counts all"), ("out=", "mkdir -p /app/out\nout=")],
)
def test_paths_folders_and_comments_are_a_repair(was: str, now: str) -> None:
    assert is_repair(TOOL, TOOL.replace(was, now))


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ("99", "90"),
        ('"ok"', '"PASSED"'),
        ("-ge", "-le"),
        ("  echo", "  exit 0\n  echo"),
        ("out=", "data=$(grep -v BAD $1)\nout="),
    ],
)
def test_bounds_comparisons_and_filters_are_none(was: str, now: str) -> None:
    assert not is_repair(TOOL, TOOL.replace(was, now))


def test_line_ends_and_permissions_are_no_change() -> None:
    assert alike(file(TOOL), file(TOOL.replace("\n", "\r\n"), 0o644))
    assert not alike(file(TOOL), file(TOOL.replace("99", "9")))
    assert not alike(file(TOOL), None)
