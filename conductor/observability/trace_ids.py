"""The ids that the next span without a parent takes, instead of random ones: a run's own."""

from __future__ import annotations

from contextvars import ContextVar

from opentelemetry.trace import SpanContext

ids_given: ContextVar[SpanContext | None] = ContextVar("ids_given", default=None)
