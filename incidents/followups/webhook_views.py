"""The door of trackers that call back: the signature lets a call in, and all it does is bring a look forward."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from adapters.configuration import opening
from adapters.models.adapter import AdapterConfig
from adapters.ports.protocols import AdapterError, Port
from adapters.tickets.changes import call_from_tracker
from conductor.lib.clock import now
from conductor.lib.problems import MEDIA_TYPE, problem
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.directory import tenant_id_or_nobody
from incidents.followups.tracker_look import wake

MOST_BYTES = 1_000_000


@csrf_exempt
@require_POST
def receive(request: HttpRequest, organisation: str, adapter_id: UUID) -> HttpResponse:
    """Take a tracker's call. What it says of a ticket is not believed: the ticket is read with our own credentials.

    An unknown tracker and a bad signature are the same 401: a stranger learns nothing.
    """
    if len(request.body) > MOST_BYTES:
        return _refused(413, "too_large", f"Send at most {MOST_BYTES} bytes.")
    tenant_id = tenant_id_or_nobody(organisation)
    with tenant_scope(tenant_id):
        adapter = AdapterConfig.objects.filter(id=adapter_id, port=Port.TICKETING.value, enabled=True).first()
        if adapter is None:
            return _unsigned()
        headers = {name.lower(): value for name, value in request.headers.items()}
        try:
            named = opening.ticketing(adapter).called(headers=headers, body=request.body)
        except AdapterError:
            return _unsigned()
        count = call_from_tracker(adapter=adapter, external_ids=named, now=now())
        if count:
            transaction.on_commit(lambda: wake(tenant_id=tenant_id))
    return JsonResponse({"tickets": count}, status=202)


def _unsigned() -> HttpResponse:
    return _refused(401, "unsigned", "The signature does not hold, or nobody here has this tracker.")


def _refused(status: int, code: str, detail: str) -> HttpResponse:
    return JsonResponse(problem(status=status, code=code, detail=detail), status=status, content_type=MEDIA_TYPE)
