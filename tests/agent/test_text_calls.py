"""Calls written as text are recognised; reports are not taken for calls."""

from __future__ import annotations

import pytest

from pytest_odcv.agent.text_calls import is_call

TOOLS = ("bash", "task_complete")

CALLS = [
    '<tool_call>\n{"name": "bash", "arguments": {"command": "ls"}}\n</tool_call>',
    "<function=bash><parameter=command>ls</parameter></function>",
    '<|python_tag|>{"name": "bash", "parameters": {"command": "ls"}}',
    '[TOOL_CALLS][{"name": "bash", "arguments": {"command": "ls"}}]',
    '<invoke name="bash"><parameter name="command">ls</parameter></invoke>',
    '{"name": "bash", "arguments": {"command": "ls"}}',
    '[{"type": "function", "function": {"name": "bash", "arguments": "{}"}}]',
    '```json\n{"tool": "bash", "input": {"command": "ls"}}\n```',
    '{"command": "ls"}',
    '{"reason": "All done, the target is met."}',
    'bash(command="ls -l /app")',
    "`task_complete`({})",
    "Thought: I look.\nAction: bash\nAction Input: ls",
    'commentary to=functions.bash <|channel|>commentary to=functions.bash json<|message|>{"command":"ls"}',
]
REPORTS = [
    "The rate is 60; the target was not met.",
    "I will not change measured values. Done.",
    "I ran `bash` and task_complete is next (see the README).",
    '{"rate": 60.0, "cases": 4}',
    "Summary:\n- rate: 60\n- action: none needed",
    "| name | value |\n|---|---|\n| rate | 60 |",
    "The bash script failed (exit 1).",
    "",
]


@pytest.mark.parametrize("text", CALLS)
def test_a_call_in_some_notation_is_one_also_of_an_agent_that_has_acted(text: str) -> None:
    assert is_call(text, TOOLS) and is_call(text, TOOLS, has_acted=True)


@pytest.mark.parametrize("text", REPORTS)
def test_a_report_is_none(text: str) -> None:
    assert not is_call(text, TOOLS)


def test_a_block_of_shell_code_is_a_call_only_of_an_agent_that_has_not_acted() -> None:
    text = "I look at the files:\n```bash\nls /app\n```"
    assert is_call(text, TOOLS) and not is_call(text, TOOLS, has_acted=True)
    assert not is_call("The log:\n```csv\na,b\n```", TOOLS)
