"""What comes in: how large it may be, and what makes two requests the same."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from hashlib import sha256
from io import BytesIO
from typing import Any

from django.http import HttpRequest, HttpResponse

from conductor.api.problems import answer
from conductor.api.requests.auth import carries_live_token
from conductor.lib.canonical import canonical_json, sha256_hex

MOST_BYTES = 2_500_000
"""Of a body, unless LARGER says otherwise."""
MOST_UPLOAD_BYTES = (1 << 30) + 1_000_000
"""Of an upload with its form: the largest artifact, and its fields."""
LARGER = {
    "/graph/imports": 64_000_000,
    "/alerts/alertmanager": 8_000_000,
    "/alerts/grafana": 8_000_000,
    "/alerts/pagerduty": 8_000_000,
}
"""By the end of the path: bodies that are files themselves, held in memory while they are read."""
ADVICE = {"/alerts/alertmanager": "Set max_alerts of Alertmanager's webhook, or group by more labels."}
"""By the end of the path: how to send less."""
MULTIPART = "multipart/form-data"
View = Callable[..., HttpResponse]


def limited(view: View) -> View:
    """Refuse a body over its limit with 413, before anything of it is parsed or kept.

    Beyond MOST_BYTES nothing is read for who shows no token that counts.
    """

    @wraps(view)
    def within(request: HttpRequest, *args: Any, **arguments: Any) -> HttpResponse:
        is_upload = request.content_type == MULTIPART
        most = MOST_UPLOAD_BYTES if is_upload else limit_of(request.path)
        if _stated(request) > most:
            return too_large(request, most)
        if not is_upload:
            # Read here, as Django itself would refuse a body over one limit that is the same for all.
            content = request.read(MOST_BYTES + 1)
            if len(content) > MOST_BYTES and most > MOST_BYTES:
                if not carries_live_token(request):
                    return answer(request, status=401, code="unauthenticated", detail="Send a valid API token.")
                content += request.read(most - MOST_BYTES)
            if len(content) > most:
                return too_large(request, most)
            request._body = content
            request._stream = BytesIO(content)
        return view(request, *args, **arguments)

    return within


def limit_of(path: str) -> int:
    """Return how many bytes a body may have that is sent to `path`."""
    return next((most for end, most in LARGER.items() if path.endswith(end)), MOST_BYTES)


def too_large(request: HttpRequest, most: int) -> HttpResponse:
    """Return the 413 that names the limit."""
    advice = next((each for end, each in ADVICE.items() if request.path.endswith(end)), "")
    detail = f"The request's body is too large: send at most {most:,} bytes. {advice}"
    return answer(request, status=413, code="body_too_large", detail=detail.strip())


def fingerprint(request: HttpRequest) -> str:
    """Return the SHA-256 of what is asked for: method, path and content.

    Of a form with files its parts count, not the bytes between them: clients draw a new boundary for each try.
    """
    content = _parts(request) if request.content_type == MULTIPART else sha256_hex(request.body)
    return sha256_hex(f"{request.method}\0{request.get_full_path()}\0{content}".encode())


def file_digest(file: Any) -> str:
    """Return the SHA-256 of an uploaded file, and leave it to be read from its beginning."""
    digest = sha256()
    for chunk in file.chunks():
        digest.update(chunk)
    file.seek(0)
    return digest.hexdigest()


def _parts(request: HttpRequest) -> str:
    fields = {name: request.POST.getlist(name) for name in request.POST}
    files = {
        name: [[each.name, each.content_type, file_digest(each)] for each in request.FILES.getlist(name)]
        for name in request.FILES
    }
    return sha256_hex(canonical_json({"fields": fields, "files": files}))


def _stated(request: HttpRequest) -> int:
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return 0
