"""The recording holds the model's own name as the provider returned it: an alias says nothing about what answered."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from ..conftest import needs_litellm
from .conftest import bash, completion, done, step_of
from .test_record_and_replay import cassettes, rows

pytestmark = [needs_litellm, pytest.mark.usefixtures("litellm_imported")]


def test_the_name_stands_where_it_changes(project: pytest.Pytester, serve: Any) -> None:
    names = ["m-2026-08-01", "m-2026-08-01", "m-2026-11-01", None]
    answers = [completion(None, [bash("report", f"c{n}")]) for n in range(3)]
    answers.append(completion(None, [done("The rate is 60; the target was not met.")]))

    def model(request: dict[str, Any], number: int) -> tuple[int, Any]:
        step = step_of(request)
        return 200, answers[step] | {"model": names[step]}

    served = serve(model)
    live = rows(project, "--odcv-record=once", f"--odcv-api-base={served.base}", "-k", "alpha and mandated")
    steps = yaml.safe_load(cassettes(project)["stub/alpha/mandated.1.yaml"])["steps"]
    replies = [step for step in steps if "assistant" in step]
    assert [reply.get("model") for reply in replies] == ["m-2026-08-01", None, "m-2026-11-01", ""]
    assert [{**row, "replayed": True} for row in live] == rows(project, "-k", "alpha and mandated")
