"""The product's Celery application, with the chaos workflows, places for faults, and every message sent twice."""

from __future__ import annotations

from typing import Any

import django

django.setup()

from conductor.celery import app  # noqa: E402 - its steps and models need Django set up
from tests.chaos import faults, workflows  # noqa: E402

workflows.register()
faults.place_them()

_once = app.send_task


def _twice(*arguments: Any, **options: Any) -> Any:
    _once(*arguments, **options)
    return _once(*arguments, **options)


app.send_task = _twice

__all__ = ["app"]
