"""One guarded HTTP call, for the kinds that speak HTTP: no redirects, no proxies, an end to time and size."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from ipaddress import IPv6Address
from urllib.parse import urlsplit

import httpx
from pydantic import SecretStr

from adapters.ports.installation import Installation
from adapters.ports.protocols import AdapterError
from adapters.transport.reach import Address, AddressRefused, addresses
from adapters.transport.scrubbing import scrubbed
from conductor.lib.deadlines import Deadline, left
from conductor.observability.tracing import SpanKind, span

PLAIN_PORTS = frozenset({80})
"""Where plain http may go to in public networks: other services speak in the clear at others."""
LONGEST_HINT = timedelta(hours=1)
"""A Retry-After beyond this is cut: no receiver decides that a notice waits for a day."""
FIRST_LINE = 120
_TEMPORARY = {408, 425, 429}


@dataclass(frozen=True)
class Answer:
    """What came back, whatever its status."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


def post(
    *,
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    timeout_seconds: float,
    max_bytes: int,
    installation: Installation,
    allow_loopback: bool = False,
    plain_everywhere: bool = False,
) -> Answer:
    """POST `body` to an address that a tenant's admin named, as `call` does."""
    return call(
        method="POST",
        url=url,
        body=body,
        headers=headers,
        timeout_seconds=timeout_seconds,
        max_bytes=max_bytes,
        installation=installation,
        allow_loopback=allow_loopback,
        plain_everywhere=plain_everywhere,
    )


def call(
    *,
    method: str,
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    timeout_seconds: float,
    max_bytes: int,
    installation: Installation,
    allow_loopback: bool = False,
    plain_everywhere: bool = False,
    operators: bool = False,
) -> Answer:
    """Send `body` and return the answer, at most `max_bytes` of it. Raise AdapterError if none came in time.

    `http:` is refused except on loopback, unless `plain_everywhere` (for answers that prove themselves).
    `operators`: the operator named the address, in the environment, so it may lead to any network. Inside of a
    `conversation` the call ends with it, and none is begun once it is over.
    """
    if not (timeout_seconds := left(timeout_seconds)):
        raise AdapterError(f"{urlsplit(url).hostname} took longer than it is given", permanent=False, code="timeout")
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    reachable = addresses(
        host=host,
        port=port,
        installation=installation,
        allow_loopback=allow_loopback,
        operators=operators,
        ports=() if parts.scheme == "https" or operators else PLAIN_PORTS,
    )
    if parts.scheme != "https" and not plain_everywhere and not all(each.is_loopback for each in reachable):
        raise AddressRefused(f"{host} is spoken to over https only")
    # The public authorities, or those of SSL_CERT_FILE. Proxies of the environment would undo the check of addresses.
    trust = httpx.create_ssl_context(trust_env=True)
    with httpx.Client(verify=trust, timeout=timeout_seconds, follow_redirects=False, trust_env=False) as client:
        request = client.build_request(
            method,
            httpx.URL(url).copy_with(host=_bracketed(reachable[0])),
            content=body,
            headers={"accept-encoding": "identity", **headers, "host": parts.netloc.rpartition("@")[2]},
            extensions={"sni_hostname": host},
        )
        with span(f"{method} {host}", kind=SpanKind.CLIENT, host=host, method=method) as current:
            answer = _exchange(client, request, host=host, timeout_seconds=timeout_seconds, max_bytes=max_bytes)
            current.set_attribute("http.response.status_code", answer.status)
        return answer


def refuse(answer: Answer, *, host: str, now: datetime, secrets: Iterable[SecretStr | None] = ()) -> None:
    """Raise AdapterError unless the status is 2xx; its `retry_after` is the answer's Retry-After, if it has one.

    `secrets` are what was sent: an answer that repeats one is not repeated.
    """
    if 200 <= answer.status < 300:
        return
    is_temporary = answer.status in _TEMPORARY or answer.status >= 500
    said = _first_line(scrubbed(answer.body[:4000].decode(errors="replace"), values=secrets))
    note = "; redirects are not followed" if 300 <= answer.status < 400 else f": {said}" if said else ""
    raise AdapterError(
        f"{host} answered {answer.status}{note}",
        permanent=not is_temporary,
        code=f"http_{answer.status}",
        retry_after=_hint(answer.headers.get("retry-after", ""), now) if is_temporary else None,
    )


def _exchange(
    client: httpx.Client, request: httpx.Request, *, host: str, timeout_seconds: float, max_bytes: int
) -> Answer:
    """Read the answer under one deadline: httpx's own timeout is per read, and a slow sender could stretch it."""
    received = bytearray()
    deadline = Deadline(timeout_seconds)
    request.extensions["trace"] = deadline.trace
    try:
        with deadline:
            response = client.send(request, stream=True)
            try:
                for chunk in response.iter_raw():
                    received += chunk
                    if len(received) > max_bytes:
                        message = f"{host} answered more than {max_bytes} bytes"
                        raise AdapterError(message, permanent=True, code="too_long")
            finally:
                response.close()
            if deadline.passed:
                raise httpx.ReadTimeout("deadline")  # an answer without a length ends where the connection does
    except httpx.HTTPError as error:
        if deadline.passed or isinstance(error, httpx.TimeoutException):
            message = f"{host} did not answer within {timeout_seconds:.3g} s"
            raise AdapterError(message, permanent=False, code="timeout") from error
        is_certificate = "CERTIFICATE_VERIFY_FAILED" in str(error)
        what = "shows a certificate that is not trusted" if is_certificate else "cannot be reached"
        code = "certificate_refused" if is_certificate else "unreachable"
        raise AdapterError(f"{host} {what}", permanent=is_certificate, code=code) from error
    lowered = {name.lower(): value for name, value in response.headers.items()}
    return Answer(response.status_code, lowered, bytes(received))


def _first_line(text: str) -> str:
    """Return the first line of an answer as far as it can be shown: it says more than the number does."""
    line = text.strip().split("\n", 1)[0]
    return "".join(each for each in line if each.isprintable())[:FIRST_LINE]


def _bracketed(address: Address) -> str:
    return f"[{address}]" if isinstance(address, IPv6Address) else str(address)


def _hint(text: str, now: datetime) -> timedelta | None:
    """Return how long Retry-After asks to wait (RFC 9110 section 10.2.3: seconds or a date), or None."""
    try:
        wait = timedelta(seconds=int(text)) if text.strip().isdigit() else parsedate_to_datetime(text) - now
    except (TypeError, ValueError, OverflowError):
        return None
    return min(max(wait, timedelta(0)), LONGEST_HINT)
