"""Traces by OpenTelemetry: requests, runs with the tries of their steps, calls to other systems, drawn documents.

Nothing is recorded until OTEL_EXPORTER_OTLP_ENDPOINT (or …_TRACES_ENDPOINT) names where spans go
(docs/how-to/traces.md). A span holds names and ids, never an address, a header, an input or the text of an error.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

from opentelemetry import trace
from opentelemetry.propagate import extract
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from conductor.observability.trace_ids import ids_given

__all__ = [
    "Span",
    "SpanKind",
    "add_trace",
    "name_request",
    "note_run",
    "request_span",
    "run_ended",
    "span",
    "start_tracing",
]
ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_tracer = trace.get_tracer("conductor")


def start_tracing(process: str) -> None:
    """Have the spans of this process, `web` or `worker`, and of those that it forks exported, where a place is named.

    Sampler, headers, protocol details and resource attributes are OpenTelemetry's own OTEL_… variables.
    """
    if not any(os.environ.get(name) for name in ENDPOINTS) or os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return
    from conductor.observability.span_export import provider_for  # noqa: PLC0415 - a tenth of a second, for who wants it

    trace.set_tracer_provider(provider_for(process))


@contextmanager
def span(
    name: str,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    run: UUID | None = None,
    no_errors: tuple[type[BaseException], ...] = (),
    **attributes: str | int,
) -> Iterator[Span]:
    """Record what the block does, as part of the span round it, or of the trace of `run`.

    Attributes are named `conductor.…`. An exception is named by its type and goes on; `no_errors` are none.
    """
    context = trace.set_span_in_context(NonRecordingSpan(_root_of(run))) if run else None
    said: Mapping[str, Any] = {f"conductor.{key}": value for key, value in attributes.items()}
    with _tracer.start_as_current_span(
        name, context=context, kind=kind, attributes=said, record_exception=False, set_status_on_exception=False
    ) as current:
        try:
            yield current
        except no_errors as ending:
            current.set_attribute("conductor.ended_by", type(ending).__name__)
            raise
        except BaseException as error:
            current.set_attribute("error.type", type(error).__name__)
            current.set_status(Status(StatusCode.ERROR))
            raise


@contextmanager
def request_span(method: str, headers: Mapping[str, str]) -> Iterator[Span]:
    """Record one request to us. What a caller says of its own trace is linked, and decides nothing of ours."""
    theirs = trace.get_current_span(extract(headers)).get_span_context()
    links = [Link(theirs)] if theirs.is_valid else []
    with _tracer.start_as_current_span(
        method, kind=SpanKind.SERVER, links=links, record_exception=False, set_status_on_exception=False
    ) as current:
        yield current


def name_request(current: Span, *, method: str, route: str, status: int) -> None:
    """Say on the request's span what it turned out to be."""
    current.update_name(f"{method} {route}")
    current.set_attributes({"http.request.method": method, "http.route": route, "http.response.status_code": status})
    if status >= 500:
        current.set_status(Status(StatusCode.ERROR))


def note_run(run: UUID) -> None:
    """Note on the span round this that the run was started: its id, without hyphens, is that of the run's trace."""
    trace.get_current_span().add_event("run started", {"conductor.run": str(run)})


def run_ended(*, run: UUID, workflow: str, status: str, began: datetime, ended: datetime) -> None:
    """Record the whole run, which the tries of its steps are parts of, once it is over."""
    root = _root_of(run)
    if not root.trace_flags.sampled:
        return
    token = ids_given.set(root)
    try:
        # Without a parent: whoever ended the run, in a request or a step, is not what it is a part of.
        current = _tracer.start_span(
            f"run {workflow}",
            context=trace.set_span_in_context(trace.INVALID_SPAN),
            start_time=_nanoseconds(began),
            attributes={"conductor.run": str(run), "conductor.workflow": workflow, "conductor.status": status},
        )
    finally:
        ids_given.reset(token)
    if status == "failed":
        current.set_status(Status(StatusCode.ERROR))
    current.end(_nanoseconds(ended))


def add_trace(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
    """Structlog's processor: name the trace that the line was logged in, if there is one."""
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = trace.format_trace_id(context.trace_id)
    return event


def _root_of(run: UUID) -> SpanContext:
    """Return the context of the run's own span: the same in every process that works on the run, now and later."""
    return SpanContext(
        trace_id=run.int,
        span_id=run.int & (1 << 64) - 1,
        is_remote=True,
        trace_flags=TraceFlags(TraceFlags.SAMPLED if _is_sampled(run) else TraceFlags.DEFAULT),
    )


def _is_sampled(run: UUID) -> bool:
    sampler = getattr(trace.get_tracer_provider(), "sampler", None)  # without an endpoint there is none
    return sampler is not None and bool(sampler.should_sample(None, run.int, "run").decision.is_sampled())


def _nanoseconds(at: datetime) -> int:
    return round(at.timestamp() * 1_000_000) * 1000
