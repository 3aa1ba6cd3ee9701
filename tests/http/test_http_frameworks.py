"""The real SDKs and frameworks: they take the model server for a model, a merged stream for a stream, and what they send
back of a conversation is read as the conversation it was."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from pytest_odcv.http import sse

from .exchanges import exchange, kept, told
from .model_server import ModelServer, ScriptedTurn, turns
from .model_wire import Plan, events_of

pytestmark = pytest.mark.filterwarnings("ignore")
Serve = Callable[..., ModelServer]
NEEDED = "needs the agent frameworks"
LOOK = ScriptedTurn(
    "I will look ünder it.", (("bash", {"command": "ls -la /app"}),), "Let me think about it."
)
BOTH = ScriptedTurn("", (("bash", {"command": "cat 'a'"}), ("bash", {"command": 'cat "b"'})))
END = ScriptedTurn("All done.")
TURNS = (LOOK, BOTH, END)
CALLS = ["ls -la /app", "cat 'a'", 'cat "b"']


def bash(command: str) -> str:
    """Run a command."""
    return f"ran {command}"


def check(server: ModelServer, expected: tuple[ScriptedTurn, ...] = TURNS) -> None:
    """The requests continue one another, and hold each message and each call once."""
    conversation = told(kept(server))
    own = [message for message in conversation if message.role == "assistant"]
    assert [(m.content, m.reasoning, len(m.calls)) for m in own] == [
        (turn.text, turn.reasoning, len(turn.calls)) for turn in expected
    ]
    results = [message.content for message in conversation if message.role == "tool"]
    assert results == [f"ran {command}" for command in CALLS]


# --- SDKs ------------------------------------------------------------------------------------------------------------


def test_openais_sdk_gets_the_same_message_from_a_merged_stream() -> None:
    openai = pytest.importorskip("openai", reason=NEEDED)
    from openai.lib.streaming.chat import ChatCompletionStreamState
    from openai.types.chat import ChatCompletionChunk

    plan = Plan(LOOK, 0, {"stream_options": {"include_usage": True}}, (20, 10))
    events = sse.parse(b"".join(events_of("chat", plan)))
    finals = []
    for stream in (events, sse.merge(events)):
        state = ChatCompletionStreamState(input_tools=openai.NOT_GIVEN, response_format=openai.NOT_GIVEN)
        for event in stream:
            if event.data != "[DONE]":
                state.handle_chunk(ChatCompletionChunk.model_validate(event.data))
        finals.append(state.get_final_completion().model_dump())
    assert len(sse.merge(events)) < len(events) / 2
    assert finals[0]["choices"] == finals[1]["choices"] and finals[0]["usage"] == finals[1]["usage"]


def test_openais_sdk_gets_the_same_response_from_a_merged_stream() -> None:
    openai = pytest.importorskip("openai", reason=NEEDED)
    from openai.lib.streaming.responses._responses import ResponseStreamState
    from openai.types.responses import ResponseStreamEvent
    from pydantic import TypeAdapter

    events = sse.parse(b"".join(events_of("responses", Plan(LOOK, 0, {}, (20, 10)))))
    seen = []
    for stream in (events, sse.merge(events)):
        state = ResponseStreamState(input_tools=openai.NOT_GIVEN, text_format=openai.NOT_GIVEN)
        out: list[Any] = []
        for event in stream:
            out += state.handle_event(TypeAdapter(ResponseStreamEvent).validate_python(event.data))
        snapshots = [event.snapshot for event in out if hasattr(event, "snapshot")]
        seen.append((snapshots[-1], out[-1].response.model_dump()))
    assert len(sse.merge(events)) < len(events)
    assert seen[0] == seen[1]


def test_anthropics_sdk_gets_the_same_message_from_a_merged_stream() -> None:
    pytest.importorskip("anthropic", reason=NEEDED)
    from anthropic.lib.streaming._messages import accumulate_event
    from anthropic.types import RawMessageStreamEvent
    from pydantic import TypeAdapter

    events = sse.parse(b"".join(events_of("messages", Plan(LOOK, 0, {}, (20, 10)))))
    finals = []
    for stream in (events, sse.merge(events)):
        message: Any = None
        buffers: dict[int, bytes] = {}
        for event in stream:
            if event.name != "ping":
                raw: Any = TypeAdapter(RawMessageStreamEvent).validate_python(event.data)
                message = accumulate_event(event=raw, current_snapshot=message, json_bufs=buffers)
        finals.append(message.model_dump())
    assert len(sse.merge(events)) < len(events)
    assert finals[0] == finals[1]
    assert finals[0]["content"][-1]["input"] == LOOK.calls[0][1]


@pytest.mark.parametrize("stream", [False, True])
def test_a_loop_with_anthropics_sdk(serve: Serve, stream: bool) -> None:
    anthropic = pytest.importorskip("anthropic", reason=NEEDED)
    server = serve(turns(*TURNS), gzip=stream)
    messages: list[Any] = [{"role": "user", "content": "do"}]
    with anthropic.Anthropic(base_url=server.root, api_key="none", max_retries=0) as client:
        while True:
            given = {"model": "m", "max_tokens": 100, "messages": messages}
            if stream:
                with client.messages.stream(**given) as events:
                    answer = events.get_final_message()
            else:
                answer = client.messages.create(**given)
            if answer.stop_reason != "tool_use":
                break
            messages.append({"role": "assistant", "content": answer.content})
            uses = [block for block in answer.content if block.type == "tool_use"]
            results = [{"type": "tool_result", "tool_use_id": u.id, "content": bash(**u.input)} for u in uses]
            messages.append({"role": "user", "content": results})
    check(server)


@pytest.mark.parametrize("dumped", [False, True])
def test_a_loop_with_openais_sdk_over_chat(serve: Serve, dumped: bool) -> None:
    """The message goes back as the SDK's object, which leaves unset fields out, or dumped, with every null."""
    openai = pytest.importorskip("openai", reason=NEEDED)
    import json

    server = serve(turns(*TURNS))
    messages: list[Any] = [{"role": "user", "content": "do"}]
    with openai.OpenAI(base_url=server.base, api_key="none", max_retries=0) as client:
        while True:
            message = client.chat.completions.create(model="m", messages=messages).choices[0].message
            messages.append(message.model_dump() if dumped else message)
            if not message.tool_calls:
                break
            for call in message.tool_calls:
                content = bash(**json.loads(call.function.arguments))
                messages.append({"role": "tool", "tool_call_id": call.id, "content": content})
    check(server)


@pytest.mark.parametrize("kept_there", [False, True])
def test_a_loop_with_openais_sdk_over_responses(serve: Serve, kept_there: bool) -> None:
    openai = pytest.importorskip("openai", reason=NEEDED)
    import json

    server = serve(turns(*TURNS))
    given: list[Any] = [{"role": "user", "content": "do"}]
    previous: dict[str, Any] = {}
    with openai.OpenAI(base_url=server.base, api_key="none", max_retries=0) as client:
        while True:
            answer = client.responses.create(model="m", input=given, **previous)
            calls = [item for item in answer.output if item.type == "function_call"]
            if not calls:
                break
            results = [
                {
                    "type": "function_call_output",
                    "call_id": c.call_id,
                    "output": bash(**json.loads(c.arguments)),
                }
                for c in calls
            ]
            given = results if kept_there else [*given, *answer.output, *results]
            previous = {"previous_response_id": answer.id} if kept_there else {}
    check(server)


# --- frameworks ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", ["chat", "responses"])
@pytest.mark.parametrize("stream", [False, True])
def test_openais_agents_sdk(serve: Serve, shape: str, stream: bool) -> None:
    agents = pytest.importorskip("agents", reason=NEEDED)
    import openai

    server = serve(turns(*TURNS))

    async def run() -> None:
        async with openai.AsyncOpenAI(base_url=server.base, api_key="none", max_retries=0) as client:
            kind = agents.OpenAIChatCompletionsModel if shape == "chat" else agents.OpenAIResponsesModel
            model = kind("m", openai_client=client)
            agent = agents.Agent(
                name="a", instructions="rules", tools=[agents.function_tool(bash)], model=model
            )
            config = agents.RunConfig(tracing_disabled=True)
            if stream:
                result = agents.Runner.run_streamed(agent, "do", run_config=config)
                async for _ in result.stream_events():
                    pass
            else:
                await agents.Runner.run(agent, "do", run_config=config)

    asyncio.run(run())
    check(server)


@pytest.mark.parametrize("shape", ["chat", "responses"])
@pytest.mark.parametrize("stream", [False, True])
def test_pydantic_ai(serve: Serve, shape: str, stream: bool) -> None:
    pydantic_ai = pytest.importorskip("pydantic_ai", reason=NEEDED)
    import openai
    from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
    from pydantic_ai.providers.openai import OpenAIProvider

    server = serve(turns(*TURNS))

    async def run() -> None:
        async with openai.AsyncOpenAI(base_url=server.base, api_key="none", max_retries=0) as client:
            kind = OpenAIChatModel if shape == "chat" else OpenAIResponsesModel
            model = kind("m", provider=OpenAIProvider(openai_client=client))
            agent = pydantic_ai.Agent(model, system_prompt="rules", tools=[bash])

            async def watch(_: Any, events: Any) -> None:
                async for _ in events:
                    pass

            await agent.run("do", event_stream_handler=watch if stream else None)

    asyncio.run(run())
    check(server)


@pytest.mark.parametrize("shape", ["chat", "responses", "messages"])
@pytest.mark.parametrize("stream", [False, True])
def test_langgraph(serve: Serve, shape: str, stream: bool) -> None:
    pytest.importorskip("langgraph", reason=NEEDED)
    from langchain_core.tools import tool
    from langgraph.prebuilt import create_react_agent

    server = serve(turns(*TURNS))
    model: Any
    if shape == "messages":
        anthropic = pytest.importorskip("langchain_anthropic", reason=NEEDED)
        model = anthropic.ChatAnthropic(model="m", base_url=server.root, api_key="none", streaming=stream)
    else:
        openai = pytest.importorskip("langchain_openai", reason=NEEDED)
        model = openai.ChatOpenAI(
            model="m",
            base_url=server.base,
            api_key="none",
            streaming=stream,
            use_responses_api=shape == "responses",
        )
    agent = create_react_agent(model, [tool(bash)], prompt="rules")
    agent.invoke({"messages": [("user", "do")]})
    check(server)


@pytest.mark.parametrize("stream", [False, True])
def test_smolagents(serve: Serve, stream: bool) -> None:
    smolagents = pytest.importorskip("smolagents", reason=NEEDED)

    class Bash(smolagents.Tool):  # type: ignore[misc, name-defined]
        name, description, output_type = "bash", "Run a command.", "string"
        inputs = {"command": {"type": "string", "description": "The command."}}  # noqa: RUF012

        def forward(self, command: str) -> str:
            return bash(command)

    script = (LOOK, ScriptedTurn("", (("final_answer", {"answer": "ok"}),)))
    server = serve(turns(*script))
    model = smolagents.OpenAIModel("m", api_base=server.base, api_key="none")
    agent = smolagents.ToolCallingAgent([Bash()], model, verbosity_level=0, stream_outputs=stream)
    assert agent.run("do") == "ok"
    conversation = told(kept(server))
    assert [message.role for message in conversation] == ["system", "user", "assistant", "user", "assistant"]
    assert conversation[2].content == LOOK.text and conversation[2].calls[0].name == "bash"
    assert conversation[3].content == "Observation:\nran ls -la /app"


def test_exchanges_of_the_tests_are_what_the_server_answers(serve: Serve) -> None:
    """Or the tests above would read something that no SDK has seen."""
    import json
    from urllib.request import Request, urlopen

    server = serve(turns(LOOK))
    for path in ("/v1/chat/completions", "/v1/responses", "/v1/messages"):
        for stream in (False, True):
            body: dict[str, Any] = {"model": "m", "messages": [], "input": [], "stream": stream}
            with urlopen(Request(server.root + path, json.dumps(body).encode()), timeout=10) as answer:
                data = answer.read()
            response = exchange(path, body, LOOK, merged=False).response
            assert (sse.parse(data) if stream else json.loads(data)) == response
