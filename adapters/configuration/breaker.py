"""The circuit breaker before each notary: after repeated failures it is left alone, then tried with one question.

Closed: questions are asked. Open: none is until `retry_at`. Half-open: `retry_at` has passed, and whoever takes the
turn asks one question; its answer closes the breaker, its failure opens it for twice as long. The state is a row, so
that every worker on every machine sees the same; and a turn is a lease on that row, so that one worker at a time works
through a notary's backlog, in order.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import uuid4

from django.db import transaction
from django.db.models import Q

from adapters.configuration.receipts import ERROR_CHARACTERS, leave_receipt
from adapters.models.adapter import AdapterConfig
from adapters.models.breaker import Breaker
from adapters.ports.protocols import AdapterError
from conductor.tenancy.actors import Actor

FAILURES = 3
"""So many in a row open it."""
FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(minutes=10)
TURN = timedelta(minutes=2)
"""How long a turn lasts unless renewed: longer than the longest time that any notary is given to answer."""


def take_turn(*, adapter: AdapterConfig, now: datetime) -> str:
    """Return a token for the one turn at this notary; empty while it is left alone, or another worker has the turn.

    Needs the tenant's scope.
    """
    Breaker.objects.bulk_create([Breaker(tenant_id=adapter.tenant_id, adapter=adapter)], ignore_conflicts=True)
    free = Q(turn_ends_at=None) | Q(turn_ends_at__lte=now)
    due = Q(retry_at=None) | Q(retry_at__lte=now)
    token = uuid4().hex
    taken = Breaker.objects.filter(free, due, adapter=adapter).update(turn_of=token, turn_ends_at=now + TURN)
    return token if taken else ""


def renew_turn(*, adapter: AdapterConfig, token: str, now: datetime) -> bool:
    """Extend the turn; return False if it is somebody else's by now. Needs the tenant's scope."""
    return Breaker.objects.filter(adapter=adapter, turn_of=token).update(turn_ends_at=now + TURN) == 1


def end_turn(*, adapter: AdapterConfig, token: str) -> None:
    """Give the turn up. Needs the tenant's scope."""
    Breaker.objects.filter(adapter=adapter, turn_of=token).update(turn_of="", turn_ends_at=None)


def note_failure(*, adapter: AdapterConfig, error: AdapterError, now: datetime) -> bool:
    """Count a question that was not answered; return whether the notary is left alone now. Needs the tenant's scope.

    The failure that opens the breaker leaves a receipt; those of later probes do not.
    """
    with transaction.atomic():
        breaker = Breaker.objects.select_for_update().get(adapter=adapter)
        failures = min(breaker.failures + 1, 1000)
        changes: dict[str, object] = {"failures": failures, "code": error.code[:40]}
        changes["error"] = error.message[:ERROR_CHARACTERS]
        if failures >= FAILURES:
            pause = max(pause_after(failures), error.retry_after or timedelta(0))
            changes |= {"opened_at": breaker.opened_at or now, "retry_at": now + min(pause, LONGEST_PAUSE)}
        Breaker.objects.filter(id=breaker.id).update(**changes)
        if failures >= FAILURES and breaker.opened_at is None:
            body = {"failures": failures, "code": error.code, "error": error.message[:ERROR_CHARACTERS]}
            leave_receipt(adapter, "adapters.breaker.opened", Actor.system(), now, body)
    return failures >= FAILURES


def note_answer(*, adapter: AdapterConfig, now: datetime) -> None:
    """It answered: close the breaker, if it was not. Needs the tenant's scope."""
    if Breaker.objects.filter(adapter=adapter, failures=0).exists():
        return
    with transaction.atomic():
        breaker = Breaker.objects.select_for_update().get(adapter=adapter)
        _close(breaker)
        if breaker.opened_at is not None:
            body = {"failures": breaker.failures, "seconds": round((now - breaker.opened_at).total_seconds(), 3)}
            leave_receipt(adapter, "adapters.breaker.closed", Actor.system(), now, body)


def forget_failures(*, adapter: AdapterConfig) -> None:
    """Let the notary be asked at once: an admin changed its settings or tested it. Joins the verb's transaction.

    The next answer closes the breaker and leaves the receipt.
    """
    Breaker.objects.filter(adapter=adapter).exclude(retry_at=None).update(retry_at=adapter.updated_at)


def pause_after(failures: int) -> timedelta:
    """Return how long a notary is left alone after so many failures in a row."""
    doublings = min(max(failures - FAILURES, 0), 10)
    return min(FIRST_PAUSE * (1 << doublings), LONGEST_PAUSE)


def _close(breaker: Breaker) -> None:
    Breaker.objects.filter(id=breaker.id).update(failures=0, opened_at=None, retry_at=None, code="", error="")
