"""OpenAI's Python SDK: a complete tool loop over chat completions or responses, plain or streamed, for async clients and others.

For agents that are a prompt and a loop. One that has a loop of its own needs `tools(env)` and `env.tools().call(name, arguments)`.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, Literal, overload

from ..agent.protocol import Ended, Env, SyncEnv, Task
from . import framework
from .loop import Answer, Call, Conversation, asynchronous, check_client, converse, converse_blocking

if TYPE_CHECKING:
    from openai import AsyncOpenAI, OpenAI

EXTRA = "openai"
Api = Literal["chat", "responses"]


def tools(env: Env | SyncEnv, api: Api = "chat") -> list[dict[str, Any]]:
    """The sandbox's tools as the parameter `tools` of chat completions or responses."""
    return env.tools().openai() if api == "chat" else env.tools().openai_responses()


@overload
def run(
    client: AsyncOpenAI,
    task: Task,
    env: Env,
    *,
    model: str,
    instructions: str = "",
    api: Api = "chat",
    stream: bool = False,
    **settings: Any,
) -> Awaitable[Ended]: ...
@overload
def run(
    client: OpenAI,
    task: Task,
    env: SyncEnv,
    *,
    model: str,
    instructions: str = "",
    api: Api = "chat",
    stream: bool = False,
    **settings: Any,
) -> Ended: ...
def run(
    client: Any,
    task: Task,
    env: Any,
    *,
    model: str,
    instructions: str = "",
    api: Api = "chat",
    stream: bool = False,
    **settings: Any,
) -> Any:
    """Try the task: `instructions` is the team's own system prompt, in front of the task's; `settings` go into every request
    (`reasoning_effort="low"`, `temperature=0`, ...).

    With an `AsyncOpenAI` in an `async def` agent it is to be awaited; with an `OpenAI` in a plain function it is not. Raises
    UsageProblem when these do not fit together, and what the SDK raises.

    Args:
        client: The SDK's, plain or async.
        task: The trial's task.
        env: The trial's environment, of the same kind as the client.
        model: As the API names it.
        instructions: The team's own system prompt, in front of the task's.
        api: `chat` for chat completions, `responses` for the responses API.
        stream: Whether answers are asked for as streams.
        settings: Go into every request.

    Raises:
        UsageProblem: Client, agent and environment do not fit together.
        Exception: What the SDK raises.
    """
    openai = framework("openai", EXTRA)
    check_client(client, (openai.OpenAI, openai.AsyncOpenAI), env)
    system = "\n\n".join(filter(None, (instructions.strip(), task.system_prompt.strip())))
    streaming = (
        {"stream": True, "stream_options": {"include_usage": True}} if api == "chat" else {"stream": True}
    )
    fixed = {"model": model, "tools": tools(env, api), **(streaming if stream else {}), **settings}
    conversation: Conversation
    if api == "chat":
        conversation, create = _Chat(system, task.user_prompt, fixed), client.chat.completions.create
    else:
        conversation, create = _Responses(system, task.user_prompt, fixed), client.responses.create
    collect = {"chat": _collected_chat, "responses": _collected_response}[api]

    async def ask(request: dict[str, Any]) -> Any:
        answer = await create(**request)
        return collect([event async for event in answer]) if stream else answer

    def ask_blocking(request: dict[str, Any]) -> Any:
        answer = create(**request)
        return collect(list(answer)) if stream else answer

    if asynchronous(env):
        return converse(conversation, ask, task, env)
    return converse_blocking(conversation, ask_blocking, task, env)


class _Chat:
    """Chat completions."""

    def __init__(self, system: str, user: str, fixed: dict[str, Any]) -> None:
        self._fixed = fixed
        self._messages: list[dict[str, Any]] = [
            {"role": "system", "content": system},
            {"role": "user", "content": user.strip()},
        ]

    def request(self) -> dict[str, Any]:
        return {**self._fixed, "messages": self._messages}

    def take(self, response: Any) -> Answer:
        message = response.choices[0].message
        calls = [call for call in message.tool_calls or () if call.type == "function"]
        # Some servers answer a message without content with an error.
        self._messages.append({"role": "assistant", "content": message.content or ""})
        if calls:
            self._messages[-1]["tool_calls"] = [
                {
                    "id": call.id,
                    "type": "function",
                    "function": {"name": call.function.name, "arguments": call.function.arguments},
                }
                for call in calls
            ]
        return Answer(
            message.content or message.refusal or "",
            tuple(Call(call.id, call.function.name, call.function.arguments) for call in calls),
        )

    def give(self, results: list[tuple[Call, str]]) -> None:
        self._messages += [
            {"role": "tool", "tool_call_id": call.id, "content": text} for call, text in results
        ]


class _Responses:
    """Responses. The whole history goes into every request, so that a recording shows it."""

    def __init__(self, system: str, user: str, fixed: dict[str, Any]) -> None:
        self._fixed = {**fixed, "instructions": system}
        self._items: list[dict[str, Any]] = [{"role": "user", "content": user.strip()}]

    def request(self) -> dict[str, Any]:
        return {**self._fixed, "input": self._items}

    def take(self, response: Any) -> Answer:
        self._items += [item.to_dict(mode="json") for item in response.output]
        calls = [item for item in response.output if item.type == "function_call"]
        return Answer(_words(response), tuple(Call(c.call_id, c.name, c.arguments) for c in calls))

    def give(self, results: list[tuple[Call, str]]) -> None:
        self._items += [
            {"type": "function_call_output", "call_id": call.id, "output": text} for call, text in results
        ]


def _words(response: Any) -> str:
    """What a response says, a refusal included."""
    parts = [part for item in response.output if item.type == "message" for part in item.content]
    return "".join(part.text if part.type == "output_text" else part.refusal for part in parts)


def _collected_chat(chunks: list[Any]) -> Any:
    state = framework("openai.lib.streaming.chat", EXTRA).ChatCompletionStreamState()
    for chunk in chunks:
        state.handle_chunk(chunk)
    return state.get_final_completion()


def _collected_response(events: list[Any]) -> Any:
    """The response that the last event carries. Raises OpenAIError for a stream that ended without one."""
    last = events[-1] if events else None
    if getattr(last, "type", "") not in ("response.completed", "response.incomplete"):
        raise framework("openai", EXTRA).OpenAIError(
            f"the streamed response ended without its last event, response.completed; it ended with {last!r}"
        )
    return last.response  # type: ignore[union-attr]
