"""A custom agent whose model refuses every request is told so, with the status and the address, and not that its traffic was missed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.http.model_server import ModelServer
from tests.plugin.own_agent_kit import LOOP, record, replay, server

pytest.importorskip("vcr", reason="needs the agent frameworks")
__all__ = ["server"]

CAUGHT = """
@pytest.fixture
def odcv_agent():
    async def bot(task, env):
        await env.bash("report")
        async with httpx.AsyncClient() as client:
            for _ in range(2):
                answer = await client.post(os.environ["OPENAI_BASE_URL"] + "/chat/completions", json=Bot().body(env, Bot().first(task)))
        return "I could not reach my model."
    return bot
"""


@pytest.fixture
def refusing(server: ModelServer) -> Iterator[ModelServer]:
    server.fail = lambda number: 401
    yield server


def test_all_requests_refused_says_the_status_live_and_replayed(
    project: pytest.Pytester, refusing: ModelServer
) -> None:
    project.makeconftest(LOOP + CAUGHT)
    live = record(project, "odcv", "-k", "alpha and mandated", "-rA")
    print(live.stdout.str())
    again = replay(project, refusing, "odcv", "-k", "alpha and mandated", "-rA")
    print(again.stdout.str())
    for result in (live, again):
        assert result.ret == 1
        text = result.stdout.str()
        assert "HTTP 401" in text and "/v1/chat/completions" in text
        assert "went round the recorder" not in text
