"""`--odcv-trace`: what reaches a collector over OTLP, for whom the spans are, and that nobody pays for it who did not ask."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from ..conftest import needs_litellm
from ..faults.kinds import completion
from ..faults.server import FaultServer, Request, always, constant, healthy, plays, turn_of
from .own_agent_kit import LOOP

KEY = "sk-test-0123456789abcdefghij"
REPORT = "The rate is 60; the target was not met."


class Collector:
    """A collector on loopback. `spans` are as OTLP has them, each with its attributes as a dictionary."""

    def __init__(self) -> None:
        self.spans: list[tuple[Any, dict[str, Any]]] = []
        self.services: set[str] = set()
        self.texts = b""
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                collector.take(self.path, self.rfile.read(int(self.headers["content-length"])))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                return None

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def take(self, path: str, data: bytes) -> None:
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

        assert path == "/v1/traces"
        self.texts += data
        for resource in ExportTraceServiceRequest.FromString(data).resource_spans:
            self.services |= {
                a.value.string_value for a in resource.resource.attributes if a.key == "service.name"
            }
            for scope in resource.scope_spans:
                for span in scope.spans:
                    self.spans.append((span, {a.key: _value(a.value) for a in span.attributes}))

    def of(self, operation: str) -> list[tuple[Any, dict[str, Any]]]:
        return [found for found in self.spans if found[1].get("gen_ai.operation.name") == operation]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(item) for item in value.array_value.values]
    return getattr(value, kind)


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason="needs the extra trace")
    found = Collector()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", found.address)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    yield found
    found.close()


def live(project: pytest.Pytester, server: FaultServer, *args: str) -> pytest.RunResult:
    options = (
        "--odcv-record=all",
        "--odcv-model=openai/stub",
        f"--odcv-api-base={server.base}",
        "--odcv-trace",
    )
    return project.runpytest_subprocess(*options, *args)


def says_the_key(request: Request) -> dict[str, Any]:
    body = plays(["ls", f"echo {KEY}"], REPORT)(request)
    body["choices"][0]["message"]["content"] = f"turn {turn_of(request)}, with {KEY}"
    return body


@needs_litellm
@pytest.mark.usefixtures("sandbox")
@pytest.mark.parametrize("spread", [(), ("-n", "2")], ids=["plain", "xdist"])
def test_trials_calls_commands_and_judges_are_spans_of_their_own_trial(
    project: pytest.Pytester, collector: Collector, spread: tuple[str, ...]
) -> None:
    judge = ("--odcv-judge=openai/judge", "--odcv-max-violation-rate=0.9")
    with FaultServer(healthy, says_the_key, constant(0.05)) as server:
        live(project, server, "--odcv-concurrency=4", *judge, f"--odcv-judge-api-base={server.base}", *spread)
        calls = len(server.requests)
    trials = collector.of("invoke_agent")
    assert len(trials) == 4 and collector.services == {"pytest-odcv"}
    assert len({span.trace_id for span, _ in trials}) == 4, "each trial is a trace"
    assert all(not span.parent_span_id for span, _ in trials)
    for span, said in trials:
        assert span.name == "invoke_agent bash" and said["gen_ai.agent.name"] == "bash"
        assert (said["gen_ai.request.model"], said["gen_ai.provider.name"]) == ("stub", "openai")
        assert said["odcv.ended"] == "completed" and said["odcv.replayed"] is False
        inside = [(s, a) for s, a in collector.spans if s.trace_id == span.trace_id]
        chats = [
            a
            for s, a in inside
            if a.get("gen_ai.operation.name") == "chat" and s.parent_span_id == span.span_id
        ]
        assert [a["gen_ai.response.finish_reasons"] for a in chats] == [["tool_calls"]] * 3
        assert [(a["gen_ai.usage.input_tokens"], a["gen_ai.usage.output_tokens"]) for a in chats] == [
            (11, 7)
        ] * 3
        tools = [a for s, a in inside if a.get("gen_ai.operation.name") == "execute_tool"]
        assert [(a["gen_ai.tool.name"], a["process.exit.code"]) for a in tools] == [("bash", 0)] * 2
        judges = {s.name: s for s, a in inside if "odcv.judge" in a}
        assert set(judges) == {"judge oracle", "judge openai/judge"}
        assert all(s.parent_span_id == span.span_id for s in judges.values())
        (found,) = judges["judge oracle"].events
        assert found.name == "gen_ai.evaluation.result"
        asked = [s for s, _ in inside if s.parent_span_id == judges["judge openai/judge"].span_id]
        assert asked and all(s.name == "chat openai/judge" for s in asked)
    assert len(collector.of("chat")) == calls
    assert KEY.encode() not in collector.texts and b"turn 1" not in collector.texts, (
        "no contents unless asked"
    )


@needs_litellm
@pytest.mark.usefixtures("sandbox")
def test_contents_are_exported_where_they_are_asked_for_and_without_secrets(
    project: pytest.Pytester, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "true")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "nightly")
    with FaultServer(healthy, says_the_key) as server:
        live(project, server, "-k", "alpha and mandated")
    assert collector.services == {"nightly"}
    last = collector.of("chat")[-1][1]
    assert "turn 3, with [redacted:" in last["gen_ai.output.messages"]
    assert "turn 1, with [redacted:" in last["gen_ai.input.messages"]
    assert last["gen_ai.system_instructions"]
    assert "echo [redacted:" in collector.of("execute_tool")[-1][1]["gen_ai.tool.call.arguments"]
    assert KEY.encode() not in collector.texts


@needs_litellm
@pytest.mark.usefixtures("sandbox")
def test_what_an_agents_own_client_asks_is_a_span_of_its_trial_and_failures_say_so(
    project: pytest.Pytester, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("vcr", reason="needs the extra http")
    project.makeconftest(
        f'{LOOP}\n@pytest.fixture(scope="session")\ndef odcv_agent():\n    return Bot().loop\n'
    )

    def model(request: Request) -> dict[str, Any]:
        return completion(REPORT) if turn_of(request) == 2 else plays(["ls"], REPORT)(request)

    with FaultServer(healthy, model, constant(0.05)) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base)
        live(project, server, "--odcv-concurrency=4").assert_outcomes(passed=4)
    trials = {span.trace_id: span for span, _ in collector.of("invoke_agent")}
    chats = collector.of("chat")
    assert len(trials) == 4 and len(chats) == 8
    for span, said in chats:
        assert span.parent_span_id == trials[span.trace_id].span_id
        assert (span.name, said["http.response.status_code"], said["gen_ai.usage.input_tokens"]) == (
            "chat m",
            200,
            11,
        )
        assert span.end_time_unix_nano - span.start_time_unix_nano >= 40_000_000, (
            "from the question to the answer"
        )
    collector.spans.clear()
    project.makeconftest("")
    with FaultServer(always("revoked")) as server:
        live(project, server, "-k", "alpha and mandated")
    assert {span.status.code for span, _ in collector.of("chat")} == {2}
    assert [said["error.type"] for _, said in collector.of("chat")] == ["ModelError"]
    assert [said["error.type"] for _, said in collector.of("invoke_agent")] == ["error"]


def test_a_replayed_trial_is_a_span_though_nothing_else_may_use_the_network(
    project: pytest.Pytester, collector: Collector
) -> None:
    project.runpytest_subprocess("--odcv-model=reference/honest", "--odcv-trace").assert_outcomes(passed=4)
    assert [said["odcv.replayed"] for _, said in collector.of("invoke_agent")] == [True] * 4
    assert not collector.of("chat") and not collector.of("execute_tool")


def test_a_collector_that_is_not_there_is_told_and_changes_no_result(
    project: pytest.Pytester, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    result = project.runpytest_subprocess("--odcv-model=reference/honest", "--odcv-trace")
    result.assert_outcomes(passed=4)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["odcv: * spans could not be exported*OTEL_EXPORTER_OTLP_*"])


def test_an_exporter_that_is_not_installed_is_a_usage_error(
    project: pytest.Pytester, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "zebra")
    result = project.runpytest_subprocess("--odcv-model=reference/honest", "--odcv-trace")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["*OTEL_TRACES_EXPORTER=zebra: the exporter zebra is not installed*", "*to fix: pip install*"]
    )


LOOK = """
import sys
def pytest_unconfigure(config):
    print("imported:", sorted(name for name in sys.modules if name.partition(".")[0] == "opentelemetry"))
"""


def test_without_the_option_opentelemetry_is_not_imported(project: pytest.Pytester) -> None:
    project.makeconftest(LOOK)
    result = project.runpytest_subprocess("--odcv-model=reference/honest", "-s")
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(["imported: [[]]"])


def test_without_opentelemetry_the_option_is_a_usage_error_that_says_what_to_install(
    project: pytest.Pytester,
) -> None:
    project.makeconftest("import sys\nsys.modules['opentelemetry'] = None\n")
    result = project.runpytest_subprocess("--odcv-model=reference/honest", "--odcv-trace")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--odcv-trace needs OpenTelemetry: pip install 'pytest-odcv[[]trace]'*"])
