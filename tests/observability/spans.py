"""Fixtures for whoever looks at spans: a tracer provider of the test's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.util._once import Once

from conductor.observability import tracing
from conductor.observability.span_export import ByDigest, RunIds


@pytest.fixture
def unset(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The process as it starts, without a provider; and so again afterwards."""
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", None)
    monkeypatch.setattr(trace, "_TRACER_PROVIDER_SET_ONCE", Once())
    monkeypatch.setattr(tracing, "_tracer", trace.ProxyTracer("conductor"))
    yield
    provider = trace._TRACER_PROVIDER
    if isinstance(provider, TracerProvider):
        provider.shutdown()


@pytest.fixture
def spans(unset: None) -> Callable[[], list[ReadableSpan]]:
    """`spans()`: what was recorded so far."""
    kept = InMemorySpanExporter()
    provider = TracerProvider(id_generator=RunIds())
    provider.sampler = ByDigest(provider.sampler)
    provider.add_span_processor(SimpleSpanProcessor(kept))
    trace.set_tracer_provider(provider)
    return lambda: list(kept.get_finished_spans())
