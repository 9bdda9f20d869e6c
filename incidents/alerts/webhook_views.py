"""Where alert sources post to: the signature alone lets alerts in."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from conductor.lib.clock import now
from conductor.lib.errors import Refused
from conductor.lib.problems import MEDIA_TYPE, problem
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.directory import tenant_id_or_nobody
from conductor.tenancy.rates.middleware import admit
from conductor.tenancy.rates.refusals import RateLimited
from conductor.tenancy.rates.refusals import answer as limit_reached
from incidents.alerts.bodies import EVENT_BYTES, MOST_BYTES, body_of
from incidents.alerts.parsers.values import document_of
from incidents.alerts.receiving import Unsigned, key_in, may_be_signed, receive, receive_event
from incidents.alerts.sources import source_by_key
from incidents.models.alert import AlertSource

ACCEPTED = 202
SENT_AGAIN = {
    AlertSource.Shape.ALERTMANAGER: 503,
    AlertSource.Shape.PAGERDUTY: 503,
    AlertSource.Shape.EVENTS: 429,
    AlertSource.Shape.GENERIC: 429,
    AlertSource.Shape.GRAFANA: 0,
}
"""What makes each sender send again beyond its limit (docs/decisions/0110); 0: nothing does, so it is never refused."""
View = Callable[..., JsonResponse]


def _from_sources(view: View) -> Callable[..., HttpResponse]:
    """Open the organisation's scope round a view that takes alerts in, and answer refusals as problems.

    An unknown organisation, an unknown source and a bad signature are the same 401: a stranger learns nothing, and of
    what strangers send no more is read than it takes to know them.
    """

    @csrf_exempt
    @require_POST
    @wraps(view)
    def taking(request: HttpRequest, organisation: str, **named: Any) -> HttpResponse:
        try:
            with tenant_scope(tenant_id_or_nobody(organisation)):
                return view(request, **named)
        except Unsigned:
            return _problem(401, "unsigned", "The signature does not hold, or there is no such alert source here.")
        except RateLimited as refused:
            return limit_reached(request, refused)
        except Refused as refused:
            return _problem(refused.status, refused.code, refused.detail, refused.fields)

    return taking


@_from_sources
def receive_alerts(request: HttpRequest, name: str) -> JsonResponse:
    """Take a signed notification in, and say what became of each alert."""
    source = AlertSource.objects.filter(name=name, disabled_at=None).first()
    if source is None or not may_be_signed(source, request.headers, now=now()):
        raise Unsigned
    body = body_of(request, most=EVENT_BYTES if source.shape == AlertSource.Shape.EVENTS else MOST_BYTES)
    answer = receive(
        source=source, headers=request.headers, body=body, now=now(), admit=lambda signed: _admit(request, signed)
    )
    return JsonResponse(answer, status=ACCEPTED if source.shape == AlertSource.Shape.EVENTS else 200)


@_from_sources
def enqueue(request: HttpRequest) -> JsonResponse:
    """Take an event of PagerDuty's Events API v2 in, at the path that its senders append: its routing key signs it."""
    document = document_of(body_of(request, most=EVENT_BYTES))
    source = source_by_key(routing_key=key_in(document), now=now())
    if source is None:
        raise Unsigned
    _admit(request, source)
    return JsonResponse(receive_event(source=source, document=document, now=now()), status=ACCEPTED)


def _admit(request: HttpRequest, source: AlertSource) -> None:
    """Hold what a source has signed to the source's own limit."""
    admit(request, limit="alerts", whose=str(source.id), status=SENT_AGAIN[AlertSource.Shape(source.shape)])


def _problem(status: int, code: str, detail: str, fields: dict[str, list[str]] | None = None) -> JsonResponse:
    body = problem(status=status, code=code, detail=detail, fields=fields)
    return JsonResponse(body, status=status, content_type=MEDIA_TYPE)
