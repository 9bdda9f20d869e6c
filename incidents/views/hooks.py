"""The door of signed webhooks: the signature alone lets alerts in, before anything parses the body."""

from __future__ import annotations

from collections.abc import Iterable

from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from pydantic import ValidationError

from conductor.lib.clock import now
from conductor.lib.problems import MEDIA_TYPE, problem
from conductor.tenancy.actors import Actor
from conductor.tenancy.directory import tenant_id_for_slug
from conductor.tenancy.scope import tenant_scope
from incidents.alerts import GenericWebhook, GrafanaWebhook, PagerDutyWebhook, Signal, take_in
from incidents.lifecycle import secret_of
from incidents.models import AlertSource
from incidents.signatures import is_signed

MOST_BYTES = 1_000_000


@csrf_exempt
@require_POST
def receive(request: HttpRequest, organisation: str, name: str) -> JsonResponse:
    """Take a signed notification in, and say what became of each alert.

    An unknown source and a bad signature are the same 401: a stranger learns nothing.
    """
    if len(request.body) > MOST_BYTES:
        return _refused(413, "too_large", f"Send at most {MOST_BYTES} bytes.")
    tenant_id = tenant_id_for_slug(organisation)
    if tenant_id is None:
        return _unsigned()
    with tenant_scope(tenant_id):
        source = AlertSource.objects.filter(name=name, disabled_at=None).first()
        if source is None or not is_signed(
            shape=source.shape, secret=secret_of(source), headers=request.headers, body=request.body, now=now()
        ):
            return _unsigned()
        try:
            signals = list(_signals(source, request.body))
        except ValidationError as invalid:
            fields = {".".join(str(part) for part in each["loc"]) or "body": [each["msg"]] for each in invalid.errors()}
            body = problem(status=422, code="invalid", detail="Some of the input is not valid.", fields=fields)
            return JsonResponse(body, status=422, content_type=MEDIA_TYPE)
        actor = Actor.system(f"Alert source {source.name}", channel="alert")
        dispositions = take_in(tenant_id=tenant_id, signals=signals, actor=actor, now=now())
    told = [
        {
            "fingerprint": each.fingerprint,
            "outcome": each.outcome.value,
            "reason": each.reason,
            "incident": each.incident.code if each.incident else None,
        }
        for each in dispositions
    ]
    return JsonResponse({"dispositions": told})


def _signals(source: AlertSource, body: bytes) -> Iterable[Signal]:
    if source.shape == AlertSource.Shape.GRAFANA:
        return GrafanaWebhook.model_validate_json(body).signals()
    if source.shape == AlertSource.Shape.PAGERDUTY:
        return PagerDutyWebhook.model_validate_json(body).signals()
    return GenericWebhook.model_validate_json(body).signals(source=source.name)


def _unsigned() -> JsonResponse:
    return _refused(401, "unsigned", "The signature does not hold, or nobody here has this alert source.")


def _refused(status: int, code: str, detail: str) -> JsonResponse:
    return JsonResponse(problem(status=status, code=code, detail=detail), status=status, content_type=MEDIA_TYPE)
