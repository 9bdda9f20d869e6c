"""Spans that the tests here look at."""

from tests.observability.spans import spans, unset

__all__ = ["spans", "unset"]
