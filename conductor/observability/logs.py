"""JSON logs through structlog: one line per event, with `action` and ids, never secrets or payloads."""

from __future__ import annotations

import logging.config
from typing import Any

import structlog

from conductor.observability.redaction import REDACTED, redact_texts
from conductor.observability.tracing import add_trace

_SECRET_WORDS = ("password", "secret", "token", "authorization", "signature", "cookie", "private_key")


def configure(options: dict[str, Any]) -> None:
    """Set up the standard library's logging and structlog alike. Django calls it as LOGGING_CONFIG."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        add_trace,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        redact,
    ]
    renderer = structlog.dev.ConsoleRenderer() if options["format"] == "text" else structlog.processors.JSONRenderer()
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "structured": {
                    "()": structlog.stdlib.ProcessorFormatter,
                    "processors": [
                        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                        structlog.processors.format_exc_info,
                        redact_texts,
                        renderer,
                    ],
                    "foreign_pre_chain": shared,
                }
            },
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structured"}},
            "root": {"handlers": ["stderr"], "level": options["level"]},
            # Bolt writes signature and whole body of a refused request at INFO.
            "loggers": {
                "slack_bolt": {"level": "ERROR"},
                # Each request's whole address at INFO, where receivers like to keep a token; headers at DEBUG.
                "httpx": {"level": "WARNING"},
                "httpcore": {"level": "WARNING"},
                "fontTools": {"level": "ERROR"},
                "weasyprint": {"level": "ERROR"},
            },
        }
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def redact(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
    """Blank the values of fields whose names sound secret."""
    return {
        key: REDACTED if any(word in key.lower() for word in _SECRET_WORDS) else value for key, value in event.items()
    }
