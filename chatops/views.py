"""Slack's one door. Nothing in a request is read before its signature holds."""

from __future__ import annotations

from json import JSONDecodeError
from urllib.parse import parse_qs

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from slack_sdk.signature import SignatureVerifier

from chatops.bolt import request_handler


@csrf_exempt
@require_POST
def slack(request: HttpRequest) -> HttpResponse:
    """Answer a signed request of at most five minutes' age; 401 without a word of why for any other."""
    if _is_certificate_check(request.body):
        return HttpResponse()
    secret = settings.SLACK_SIGNING_SECRET
    if not secret:
        return JsonResponse({"error": "no signing secret is configured"}, status=503)
    if not is_signed(request, secret=secret):
        return JsonResponse({"error": "invalid request"}, status=401)
    try:
        return request_handler(api_url=settings.SLACK_API_URL).handle(request)
    except JSONDecodeError:
        return JsonResponse({"error": "malformed body"}, status=400)


def is_signed(request: HttpRequest, *, secret: str) -> bool:
    """Whether the raw body carries Slack's signature, made within five minutes of now.

    Bolt asks the same verifier again, but only after it has parsed the body, and a malformed header makes it raise.
    """
    timestamp = request.headers.get("X-Slack-Request-Timestamp")
    signature = request.headers.get("X-Slack-Signature")
    try:
        return SignatureVerifier(secret).is_valid(request.body, timestamp, signature)
    except (ValueError, TypeError):
        return False


def _is_certificate_check(body: bytes) -> bool:
    """Whether Slack looks whether we answer at all, which it may do without a signature and which does nothing."""
    return len(body) < 400 and parse_qs(body.decode("latin-1")).get("ssl_check") == ["1"]
