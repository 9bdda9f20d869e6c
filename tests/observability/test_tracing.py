"""Traces: what is recorded of requests, runs and calls, where it goes, and what must not stand in it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from opentelemetry import trace
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.sampling import TraceIdRatioBased

from conductor.engine.define.context import Wait
from conductor.lib.clock import now as clock_now
from conductor.lib.ids import uuid7
from conductor.observability import logs, tracing
from conductor.observability.span_export import ByDigest


def test_without_an_endpoint_nothing_is_recorded(unset: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in tracing.ENDPOINTS:
        monkeypatch.delenv(name, raising=False)
    tracing.start_tracing("web")
    with tracing.span("anything") as current:
        assert not current.is_recording()
    assert tracing.add_trace(None, "", {"event": "x"}) == {"event": "x"}


def test_spans_reach_the_collector_that_is_named(unset: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Against a receiver of ours that reads OpenTelemetry's own messages: a double of a collector."""
    received: list[ExportTraceServiceRequest] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append(ExportTraceServiceRequest.FromString(body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Collector) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv(tracing.ENDPOINTS[0], f"http://127.0.0.1:{server.server_port}")
        tracing.start_tracing("worker")
        with tracing.span("step evidence.seal", step="evidence.seal"):
            pass
        provider = trace.get_tracer_provider()
        assert isinstance(provider, TracerProvider)
        provider.shutdown()
        server.shutdown()

    (message,) = received
    resource = {each.key: each.value.string_value for each in message.resource_spans[0].resource.attributes}
    assert (resource["service.name"], resource["conductor.process"]) == ("conductor", "worker")
    assert message.resource_spans[0].scope_spans[0].spans[0].name == "step evidence.seal"


def test_a_request_is_named_by_its_route_and_never_by_its_address(
    spans: Callable[[], list[ReadableSpan]], db: None, client: Client
) -> None:
    theirs = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    client.get("/signin/link/s3cret-token/?key=hidden", headers={"traceparent": theirs})
    client.get("/healthz")

    (found,) = spans()
    assert found.name == "GET signin/link/<str:token>/"
    assert found.attributes is not None
    assert found.attributes["http.route"] == "signin/link/<str:token>/"
    assert "s3cret" not in found.to_json()
    assert "hidden" not in found.to_json()
    # A stranger's trace is linked, and does not decide where ours belongs.
    assert found.parent is None
    assert trace.format_trace_id(found.links[0].context.trace_id) in theirs
    assert trace.format_trace_id(found.context.trace_id) not in theirs


def test_an_error_is_named_by_its_type_and_waiting_is_none(spans: Callable[[], list[ReadableSpan]]) -> None:
    with pytest.raises(ValueError, match="hunter2"), tracing.span("fails"):
        raise ValueError("the password is hunter2")
    with pytest.raises(Wait), tracing.span("waits", no_errors=(Wait,)):
        raise Wait(until=clock_now(), reason="not yet")

    failed, waited = spans()
    assert "hunter2" not in failed.to_json()
    assert (failed.attributes or {})["error.type"] == "ValueError"
    assert not failed.status.is_ok
    assert waited.status.is_ok
    assert (waited.attributes or {})["conductor.ended_by"] == "Wait"


def test_a_line_of_the_log_names_its_trace(spans: Callable[[], list[ReadableSpan]]) -> None:
    run = uuid7()
    with tracing.span("step x", run=run):
        assert logs.add_trace(None, "", {"event": "x"})["trace_id"] == run.hex


def test_a_sampler_by_ratio_keeps_its_share_of_runs_and_all_of_each(unset: None) -> None:
    provider = TracerProvider()
    provider.sampler = ByDigest(TraceIdRatioBased(0.25))
    trace.set_tracer_provider(provider)
    runs = [uuid7() for _ in range(2_000)]
    kept = [tracing._is_sampled(each) for each in runs]
    assert 350 < sum(kept) < 650
    assert kept == [tracing._is_sampled(UUID(str(each))) for each in runs]
