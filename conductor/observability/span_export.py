"""Where spans go: OpenTelemetry's SDK and its OTLP exporter, imported by processes alone that have an endpoint."""

from __future__ import annotations

import hashlib
import os
from typing import Any

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Sampler, SamplingResult

from conductor.observability.trace_ids import ids_given


class RunIds(RandomIdGenerator):
    """Random ids, but a run's own for the span of the run."""

    def generate_trace_id(self) -> int:
        """Return the trace id that is given, or a random one."""
        given = ids_given.get()
        return given.trace_id if given else super().generate_trace_id()

    def generate_span_id(self) -> int:
        """Return the span id that is given, or a random one."""
        given = ids_given.get()
        return given.span_id if given else super().generate_span_id()


class ByDigest(Sampler):
    """Shows a sampler a digest of the trace's id: by ratio it looks at the lower half, which a UUID's variant bends."""

    def __init__(self, chosen: Sampler) -> None:
        self._chosen = chosen

    def should_sample(self, parent_context: Context | None, trace_id: int, *rest: Any, **more: Any) -> SamplingResult:
        """Return what the chosen sampler says."""
        shown = int.from_bytes(hashlib.sha256(trace_id.to_bytes(16, "big")).digest()[:16], "big")
        return self._chosen.should_sample(parent_context, shown, *rest, **more)

    def get_description(self) -> str:
        """Return the chosen sampler's own."""
        return self._chosen.get_description()


def provider_for(process: str) -> TracerProvider:
    """Return a provider that sends spans, in batches from a thread, to where OTEL_… says. `process`: web or worker."""
    names = {"service.name": os.environ.get("OTEL_SERVICE_NAME", "conductor"), "conductor.process": process}
    provider = TracerProvider(resource=Resource.create(names), id_generator=RunIds())
    provider.sampler = ByDigest(provider.sampler)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider
