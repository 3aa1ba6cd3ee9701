"""The environment changes in one thread while trials look at it in another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pytest_odcv.redaction.redactor import Redactor


class Vanishing(Mapping[str, str]):
    """As os.environ: its names are listed first, and one of them is gone when it is asked for."""

    def __getitem__(self, name: str) -> str:
        return {"SERVICE_TOKEN": "quaint-heron-9917-basalt"}[name]

    def __iter__(self) -> Iterator[str]:
        return iter(["PYTEST_CURRENT_TEST", "SERVICE_TOKEN"])

    def __len__(self) -> int:
        return 2


def test_a_variable_that_vanishes_while_the_environment_is_read_is_no_error_and_hides_no_other() -> None:
    assert (
        Redactor(environ=Vanishing()).text("I take quaint-heron-9917-basalt.") == "I take [redacted:value]."
    )
