"""Slack's one door. Nothing in a request is read before its signature holds."""

from __future__ import annotations

from json import JSONDecodeError
from urllib.parse import parse_qs

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from chatops.slack.inbound.bolt import request_handler
from chatops.slack.inbound.signature import is_signed, secrets_at
from conductor.lib.clock import now


@csrf_exempt
@require_POST
def slack(request: HttpRequest) -> HttpResponse:
    """Answer a signed request of at most five minutes' age; 401 without a word of why for any other."""
    if _is_certificate_check(request.body):
        return HttpResponse()
    moment = now()
    if not secrets_at(moment):
        return JsonResponse({"error": "no signing secret is configured"}, status=503)
    if not is_signed(body=request.body, headers=request.headers, now=moment):
        return JsonResponse({"error": "invalid request"}, status=401)
    try:
        return request_handler(api_url=settings.SLACK_API_URL).handle(request)
    except JSONDecodeError:
        return JsonResponse({"error": "malformed body"}, status=400)


def _is_certificate_check(body: bytes) -> bool:
    """Whether Slack looks whether we answer at all, which it may do without a signature and which does nothing."""
    return len(body) < 400 and parse_qs(body.decode("latin-1")).get("ssl_check") == ["1"]
