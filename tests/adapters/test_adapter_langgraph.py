"""The adapter for LangGraph, with the real framework against a loopback server."""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import replace
from typing import Any

import pytest

from pytest_odcv.adapters import langgraph
from pytest_odcv.agent.protocol import Ended
from tests.http.model_server import ModelServer, ScriptedTurn, turns

from . import kit
from .fake_desk import TASK, FakeDesk, run_async, run_plain

pytestmark = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("langgraph", "langchain", "langchain_openai")),
    reason=kit.REASON,
)

THREE_STEPS = turns(
    ScriptedTurn("I look.", (("bash", {"command": "ls"}), ("bash", {"command": "pwd"}))),
    ScriptedTurn("", (("write_file", {"path": "a.txt", "content": "x"}), ("read_file", {"path": "a.txt"}))),
    ScriptedTurn("All is filed."),
)
WRITTEN = 'mkdir -p -- "$(dirname -- /app/a.txt)" && printf %s x > /app/a.txt'
FIELDS = {"api_key": "k" * 8, "max_retries": 0, "model": "gpt-5.4-mini"}


def model_at(server: ModelServer, **fields: Any) -> Any:
    from langchain_openai import ChatOpenAI

    return ChatOpenAI(base_url=server.base, **FIELDS | fields)


def ready_made(model: Any, tools: Any) -> Any:
    from langchain.agents import create_agent

    return create_agent(model, tools, system_prompt="Be brief.")


def hand_made(model: Any, tools: Any) -> Any:
    """A graph of plain functions, which LangGraph runs in threads where it is awaited."""
    from langgraph.graph import START, MessagesState, StateGraph
    from langgraph.prebuilt import ToolNode, tools_condition

    bound = model.bind_tools(tools)
    graph = StateGraph(MessagesState)
    graph.add_node("model", lambda state: {"messages": [bound.invoke(state["messages"])]})
    graph.add_node("tools", ToolNode(tools))
    graph.add_edge(START, "model")
    graph.add_conditional_edges("model", tools_condition)
    graph.add_edge("tools", "model")
    return graph.compile()


def two_nodes(does: Callable[[], object]) -> Any:
    """A graph that asks no model; its nodes run at the same time."""
    from langchain_core.messages import AIMessage
    from langgraph.graph import START, MessagesState, StateGraph

    def node(state: Any) -> Any:
        does()
        return {"messages": [AIMessage("Done.")]}

    graph: Any = StateGraph(MessagesState)
    for name in ("one", "other"):
        graph.add_node(name, node)
        graph.add_edge(START, name)
    return graph.compile()


def run(
    server: ModelServer, blocking: bool = False, task: Any = TASK, make: Any = ready_made, **fields: Any
) -> tuple[Any, FakeDesk]:
    config = fields.pop("config", None)

    def graph(env: Any) -> Any:
        return make(model_at(server, **fields), langgraph.tools(env))

    async def agent(task: Any, env: Any) -> Any:
        return await langgraph.run(graph(env), task, env, config=config)

    if blocking:
        return run_plain(lambda task, env: langgraph.run_blocking(graph(env), task, env, config=config), task)
    return run_async(agent, task)


@pytest.fixture(scope="module", autouse=True)
def warm() -> None:
    """A whole run before the first test: what a framework imports in one would be forgotten with it, and imported again."""
    import langchain.chat_models  # noqa: F401

    for responses in (False, True):
        for streaming in (False, True):
            with ModelServer(THREE_STEPS) as server:
                run(server, streaming, use_responses_api=responses, streaming=streaming)


@pytest.mark.parametrize("make", [ready_made, hand_made])
@pytest.mark.parametrize("blocking", [False, True], ids=["async", "plain-function"])
@pytest.mark.parametrize("streaming", [False, True], ids=["plain", "streamed"])
def test_it_runs_what_the_model_calls_in_order_and_says_its_last_words(
    serve: Callable[..., ModelServer], streaming: bool, blocking: bool, make: Any
) -> None:
    server = serve(THREE_STEPS)
    ended, desk = run(server, blocking, make=make, streaming=streaming)
    assert (ended, desk.said) == (Ended.COMPLETED, ["All is filed."])
    assert desk.ran == ["ls", "pwd", WRITTEN, "cat -- /app/a.txt"]
    first, second, _ = (body for _, _, body in server.requests)
    assert first.get("stream", False) == streaming
    assert [tool["function"]["name"] for tool in first["tools"]] == ["bash", "read_file", "write_file"]
    assert [m["content"] for m in second["messages"][-2:]] == ["ran ls", "ran pwd"]


@pytest.mark.parametrize("blocking", [False, True], ids=["async", "plain-function"])
def test_nodes_that_langgraph_runs_in_threads_keep_the_trials_context(blocking: bool) -> None:
    """By which requests are told apart."""
    trial: ContextVar[str] = ContextVar("trial")
    seen: list[tuple[str, int]] = []
    own: list[int] = []
    compiled = two_nodes(lambda: seen.append((trial.get("lost"), threading.get_ident())))

    async def agent(task: Any, env: Any) -> Any:
        trial.set("mine")
        own.append(threading.get_ident())
        return await langgraph.run(compiled, task, env)

    def plain(task: Any, env: Any) -> Any:
        trial.set("mine")
        own.append(threading.get_ident())
        return langgraph.run_blocking(compiled, task, env)

    _, desk = run_plain(plain) if blocking else run_async(agent)
    assert [whose for whose, _ in seen] == ["mine", "mine"]
    assert any(thread not in own for _, thread in seen)
    assert desk.said == ["Done."]


def test_the_tasks_prompts_follow_the_agents_own(serve: Callable[..., ModelServer]) -> None:
    server = serve(turns(ScriptedTurn("Done.")))
    run(server)
    told = [(m["role"], m["content"]) for m in server.requests[0][2]["messages"]]
    assert told == [
        ("system", "Be brief."),
        ("system", "You keep the books."),
        ("user", "File the figure."),
    ]


def test_what_a_tool_is_told_of_its_parameters_reaches_the_model(serve: Callable[..., ModelServer]) -> None:
    server = serve(turns(ScriptedTurn("Done.")))
    run(server)
    (bash, *_) = server.requests[0][2]["tools"]
    assert bash["function"]["parameters"]["properties"]["command"]["description"] == "The command to run."


@pytest.mark.parametrize("blocking", [False, True], ids=["async", "plain-function"])
def test_it_stops_at_the_step_limit(serve: Callable[..., ModelServer], blocking: bool) -> None:
    server = serve(turns(ScriptedTurn("Still looking.", (("bash", {"command": "ls"}),))))
    ended, desk = run(server, blocking, replace(TASK, step_limit=3))
    assert (ended, desk.said) == (Ended.STEP_LIMIT, [])
    assert len(server.requests) == 3


def test_an_agent_that_ends_with_the_last_answer_of_its_limit_has_completed(
    serve: Callable[..., ModelServer],
) -> None:
    ended, _ = run(serve(THREE_STEPS), task=replace(TASK, step_limit=3))
    assert ended is Ended.COMPLETED


def test_a_recursion_limit_of_the_teams_goes_before_the_adapters(serve: Callable[..., ModelServer]) -> None:
    server = serve(THREE_STEPS)
    ended, _ = run(server, config={"recursion_limit": 2})
    assert (ended, len(server.requests)) == (Ended.STEP_LIMIT, 1)


@pytest.mark.parametrize("blocking", [False, True], ids=["async", "plain-function"])
def test_it_is_not_traced_where_the_environment_turns_tracing_on(
    monkeypatch: pytest.MonkeyPatch, blocking: bool
) -> None:
    """Traces leave from a thread that belongs to no trial, which would be an error."""
    from langsmith.utils import get_env_var, tracing_is_enabled

    traced: list[Any] = []
    compiled = two_nodes(lambda: traced.append(tracing_is_enabled()))

    async def agent(task: Any, env: Any) -> Any:
        return await langgraph.run(compiled, task, env)

    def plain(task: Any, env: Any) -> Any:
        return langgraph.run_blocking(compiled, task, env)

    monkeypatch.setenv("LANGSMITH_TRACING", "true")
    get_env_var.cache_clear()
    try:
        assert tracing_is_enabled() is True
        _ = run_plain(plain) if blocking else run_async(agent)
    finally:
        monkeypatch.undo()
        get_env_var.cache_clear()
    assert traced == [False, False]


@pytest.mark.parametrize("streaming", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("responses", [False, True], ids=["chat", "responses"])
def test_nothing_in_its_requests_is_random(
    serve: Callable[..., ModelServer], responses: bool, streaming: bool
) -> None:
    servers = serve(THREE_STEPS), serve(THREE_STEPS)
    for server in servers:
        run(server, use_responses_api=responses, streaming=streaming)
    first, second = ([body for _, _, body in server.requests] for server in servers)
    assert first == second
    assert len(first) == 3


RESPONSES = ("clerk.py", "init_chat_model(model", "init_chat_model(model, use_responses_api=True")
STREAM = ("clerk.py", "init_chat_model(model", "init_chat_model(model, streaming=True")
PLAIN_FUNCTION = (
    ("conftest.py", "async def", "def"),
    ("conftest.py", "await langgraph.run(", "langgraph.run_blocking("),
)
WAYS = {
    "chat": (),
    "chat-streamed": (STREAM,),
    "responses": (RESPONSES,),
    "responses-streamed": (RESPONSES, STREAM),
    "plain-function": PLAIN_FUNCTION,
}


@pytest.mark.parametrize("edits", WAYS.values(), ids=WAYS)
def test_the_example_replays_as_it_was_recorded_and_names_a_changed_prompt(
    pytester: pytest.Pytester, sandbox: None, server: ModelServer, edits: tuple[kit.Edit, ...]
) -> None:
    recorded = kit.record(pytester, "langgraph", server, edits=edits)
    kit.assert_ran(recorded, kit.script())
    kit.assert_same(recorded, kit.replay(pytester))
    changed = kit.changed_prompt(pytester, "clerk.py", "records clerk", "night clerk")
    kit.assert_mismatch(changed, "message 1 (system)", "You are the records clerk", "You are the night clerk")
