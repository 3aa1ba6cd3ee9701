"""Spans for OpenTelemetry, by its SDK and the usual environment variables. The only module that imports it, and only for `--odcv-trace`."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import entry_points
from typing import Any, cast

from .. import spans
from ..errors import UsageProblem
from ..http.current import our_own_client
from ..version import __version__

INSTALL = "--odcv-trace needs OpenTelemetry: pip install 'pytest-odcv[trace]'"
CONTENT = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
_WANTED = ("true", "1", "span_only", "span_and_event")
_FLUSH_SECONDS = 10.0
"""How long the end of a run waits for a collector that does not answer."""


class OtelTracer:
    """Exports spans in the background. `mask` takes secrets out of every text.

    Raises:
        UsageProblem: OpenTelemetry or the exporter that a variable names is not installed.
    """

    def __init__(self, mask: Callable[[str], str], environ: Mapping[str, str] = os.environ) -> None:
        try:
            from opentelemetry import trace
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
        except ImportError as error:
            raise UsageProblem(f"{INSTALL} ({error})") from None
        self.content = environ.get(CONTENT, "").strip().lower() in _WANTED
        self._closed, self.lost = False, 0
        """Spans that could not be exported, known when it is closed."""
        self._ended, self._counting = 0, threading.Lock()
        self._exporters: list[_Quiet] = []
        # What OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say goes before the name given here.
        named = "OTEL_SERVICE_NAME" in environ or "service.name=" in environ.get(
            "OTEL_RESOURCE_ATTRIBUTES", ""
        )
        self._provider = TracerProvider(
            resource=Resource.create({} if named else {"service.name": "pytest-odcv"})
        )
        exporters = [] if _disabled(environ) else _exporters(environ)
        for exporter in exporters:
            quiet = _Quiet(exporter)
            self._exporters.append(quiet)
            self._provider.add_span_processor(BatchSpanProcessor(cast(Any, quiet)))
        self._tracer = self._provider.get_tracer("pytest_odcv", __version__)
        self._mask, self._trace = mask, trace

    def span(self, name: str, attributes: spans.Attributes) -> spans.Span:
        return self._begun(None, name, attributes, False, None)

    def close(self) -> bool:
        """Export what is left, once. A collector that does not answer is not waited for without end. Whether spans were lost."""
        if self._closed:
            return False
        self._closed = True
        thread = threading.Thread(target=self._provider.shutdown, daemon=True)
        thread.start()
        thread.join(_FLUSH_SECONDS)
        # By difference: the SDK drops what its queue does not hold without a word.
        self.lost = max((self._ended - exporter.sent for exporter in self._exporters), default=0)
        return bool(self.lost)

    def ended(self) -> None:
        """A span that is to be exported is over."""
        with self._counting:
            self._ended += 1

    def _begun(
        self, parent: Any, name: str, attributes: spans.Attributes, client: bool, began: int | None
    ) -> _Span:
        trace = self._trace
        # Without a parent it begins a trace of its own: what runs in pytest's process besides is no part of a trial.
        context = trace.set_span_in_context(parent or trace.INVALID_SPAN, None if parent else _empty())
        kind = trace.SpanKind.CLIENT if client else trace.SpanKind.INTERNAL
        made = self._tracer.start_span(
            self._mask(name), context, kind, self.clean(attributes), start_time=began, record_exception=False
        )
        return _Span(self, made)

    def clean(self, attributes: spans.Attributes) -> dict[str, Any]:
        return {key: self._value(value) for key, value in attributes.items() if value is not None}

    def text(self, text: str) -> str:
        return self._mask(text)

    def _value(self, value: Any) -> Any:
        if isinstance(value, (bool, int, float)):
            return value
        if isinstance(value, str):
            return self._mask(value)
        if isinstance(value, Sequence) and all(isinstance(item, str) for item in value):
            return [self._mask(item) for item in value]
        return self._mask(json.dumps(value, ensure_ascii=False))


class _Span:
    def __init__(self, tracer: OtelTracer, span: Any) -> None:
        self._tracer, self._span = tracer, span
        self.content = tracer.content

    def child(
        self, name: str, attributes: spans.Attributes, client: bool = False, began: int | None = None
    ) -> spans.Span:
        return self._tracer._begun(self._span, name, attributes, client, began)

    def current(self) -> Any:
        return self._tracer._trace.use_span(self._span, record_exception=False, set_status_on_exception=False)

    def set(self, attributes: spans.Attributes) -> None:
        self._span.set_attributes(self._tracer.clean(attributes))

    def event(self, name: str, attributes: spans.Attributes) -> None:
        self._span.add_event(name, self._tracer.clean(attributes))

    def fail(self, kind: str, text: str) -> None:
        status = self._tracer._trace.Status(self._tracer._trace.StatusCode.ERROR, self._tracer.text(text))
        self._span.set_status(status)
        self._span.set_attribute("error.type", kind)

    def end(self) -> None:
        if self._span.is_recording() and self._span.get_span_context().trace_flags.sampled:
            self._tracer.ended()
        self._span.end()


class _Quiet:
    """An exporter whose own traffic is no trial's, and that counts what it has `sent`. Its thread has no context of a trial."""

    def __init__(self, exporter: Any) -> None:
        self._exporter, self.sent = exporter, 0

    def export(self, batch: Sequence[Any]) -> Any:
        with our_own_client():
            result = self._exporter.export(batch)
        self.sent += len(batch) if getattr(result, "name", "") == "SUCCESS" else 0
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return bool(self._exporter.force_flush(timeout_millis))


def _empty() -> Any:
    from opentelemetry.context import Context

    return Context()


def _disabled(environ: Mapping[str, str]) -> bool:
    return environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"


def _exporters(environ: Mapping[str, str]) -> list[Any]:
    """Those of OTEL_TRACES_EXPORTER: `otlp` (the default), `console`, `none`, or any that is installed. Raises UsageProblem."""
    names = [name.strip() for name in environ.get("OTEL_TRACES_EXPORTER", "otlp").split(",") if name.strip()]
    return [_exporter(name, environ) for name in names if name != "none"]


def _exporter(name: str, environ: Mapping[str, str]) -> Any:
    protocol = environ.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or environ.get("OTEL_EXPORTER_OTLP_PROTOCOL")
    meant = f"otlp_proto_{'grpc' if protocol == 'grpc' else 'http'}" if name == "otlp" else name
    found = list(entry_points(group="opentelemetry_traces_exporter", name=meant))
    if not found:
        known = sorted({point.name for point in entry_points(group="opentelemetry_traces_exporter")})
        raise UsageProblem(
            f"--odcv-trace: OTEL_TRACES_EXPORTER={name}: the exporter {meant} is not installed; there are {', '.join(known) or 'none'}\n"
            "  to fix: pip install 'pytest-odcv[trace]' for OTLP over HTTP, or the package of the exporter"
        )
    try:
        return found[0].load()()
    except (
        Exception
    ) as error:  # Exporters raise what they like for an address or a header that they cannot use.
        raise UsageProblem(
            f"--odcv-trace: the exporter {meant} cannot be used: {type(error).__name__}: {error}"
        ) from None
