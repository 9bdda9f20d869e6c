"""How an actor was authenticated, as receipts say and sign it (docs/decisions/0077).

Only entry points make a `Proof`, from what they have checked themselves: the session's record, a token's row, Slack's
signature and the link of the Slack user. No verb takes one as a parameter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from allauth.account.authentication import get_authentication_records

from conductor.lib.clock import parse_rfc3339, rfc3339
from conductor.lib.refs import Ref

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
    from django.http import HttpRequest

METHODS: Final[Mapping[str, str]] = {
    "password": "Signed in with a password",
    "passkey": "Signed in with a passkey",
    "oidc": "Signed in through the identity provider",
    "link": "Signed in with a one-time link of the demonstration",
    "break_glass": "Signed in with a one-time link that an operator made on the server",
    "session": "A browser session that has no record of how it began",
    "mail_link": "Opened a link that was sent to the address",
    "provider": "The identity provider, by the groups that it named at a sign-in",
    "token": "An API token",
    "slack": "A request that Slack signed",
    "alert_source": "A message with the secret of an alert source",
    "worker": "A worker of this installation",
    "command": "A command on the server, where no member signs in",
    "none": "Nobody was authenticated",
}
"""Each method, and how people read it."""
UNRECORDED: Final = "Not recorded: this receipt is older than the record of how its actor was authenticated"

_BY_CHANNEL: Final = {
    "console": "session",
    "api": "token",
    "slack": "slack",
    "engine": "worker",
    "alert": "alert_source",
    "cli": "command",
}
_FIRST: Final = {"password": "password", "socialaccount": "oidc", "link": "link", "break_glass": "break_glass"}
"""What allauth calls the first step, and what a receipt does."""


@dataclass(frozen=True)
class Proof:
    """What is known of how an actor was authenticated."""

    method: str
    """A key of METHODS."""
    facts: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """JSON: `at`, RFC 3339, is when the proof was given, where that was before the act; the rest by method."""

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ValueError(f"{self.method!r} is no way to authenticate")

    def as_dict(self) -> dict[str, Any]:
        """Return what a receipt says of it."""
        return {"method": self.method, **self.facts}


NOBODY: Final = Proof("none")
MAIL_LINK: Final = Proof("mail_link")


def of_channel(channel: str) -> Proof:
    """Return the little that the channel alone says."""
    return Proof(_BY_CHANNEL.get(channel, "none"))


def of_conductor(channel: str) -> Proof:
    """Return how Conductor itself acts through a channel. What no person sent is the work of a worker."""
    return Proof({"cli": "command", "alert": "alert_source"}.get(channel, "worker"))


def of_session(request: HttpRequest, user: AbstractBaseUser | AnonymousUser) -> Proof:
    """Return what the request's session has proven of `user` last, and when."""
    return of_records(get_authentication_records(request, user))


def of_records(records: Sequence[Mapping[str, Any]]) -> Proof:
    """Return what allauth's records of a session say: the newest first step, and the newest second step."""
    newest = sorted(records, key=lambda each: float(each.get("at", 0)), reverse=True)
    alone = [each for each in newest if each.get("method") == "mfa" and each.get("passwordless")]
    first = next((each for each in newest if each.get("method") in _FIRST or each in alone), None)
    second = next((each for each in newest if each.get("method") == "mfa" and each not in alone), None)
    facts: dict[str, Any] = {}
    if first is not None:
        facts |= _at("at", first)
        if first.get("provider"):
            facts["provider"] = str(first["provider"])
    if second is not None:
        facts |= {"secondStep": str(second.get("type") or "other"), **_at("secondStepAt", second)}
    if first is None:
        return Proof("session", facts)
    return Proof("passkey" if first in alone else _FIRST[str(first["method"])], facts)


def of_token(*, token: Ref, name: str) -> Proof:
    """Return that a request carried the API token."""
    return Proof("token", {"token": token, "name": name})


def of_slack(*, team_id: str, slack_user_id: str, linked_by: str, linked_at: datetime, at: datetime) -> Proof:
    """Return that Slack signed a request of its user, and how that user came to be linked to the member."""
    linked = {"linkedBy": linked_by, "linkedAt": rfc3339(linked_at)}
    return Proof("slack", {"team": team_id, "user": slack_user_id, **linked, "at": rfc3339(at)})


def of_alert_source(*, source: Ref, name: str) -> Proof:
    """Return that a message carried the source's secret, or a signature made with it."""
    return Proof("alert_source", {"source": source, "name": name})


def of_worker(*, run: Ref, code: str, starter: Ref, name: str, proof: Mapping[str, Any] | None) -> Proof:
    """Return that a worker does a run's step, and for whom: who started the run, authenticated as `proof` says.

    A run that another run started is for the one who started that.
    """
    behind: Any = {"ref": starter, "name": name, "authentication": proof}
    if proof and proof.get("method") == "worker" and proof.get("for"):
        behind = proof["for"]
    return Proof("worker", {"run": run, "code": code, "for": behind})


def in_words(said: Mapping[str, Any] | None) -> str:
    """Return what a receipt says of its actor's authentication as a phrase; None is a receipt of before it did."""
    if said is None:
        return UNRECORDED
    method = str(said.get("method", ""))
    phrase = METHODS.get(method, f"By {method}" if method else UNRECORDED)
    if method == "slack":
        return f"{phrase}{_moment(said.get('at'))}{_details(method, said)}"
    return f"{phrase}{_details(method, said)}{_moment(said.get('at'))}{_second(said)}"


def _details(method: str, said: Mapping[str, Any]) -> str:
    if method == "token" and said.get("name"):
        return f" named {said['name']}"
    if method == "oidc" and said.get("provider"):
        return f" {said['provider']}"
    if method == "slack" and said.get("user"):
        linked = {"member": "confirmed by the member", "operator": "linked by an operator"}
        how = linked.get(str(said.get("linkedBy")), "linked by hand")
        return f", from user {said['user']} of workspace {said.get('team', '')}, {how}{_moment(said.get('linkedAt'))}"
    if method == "alert_source" and said.get("name"):
        return f" {said['name']}"
    if method == "worker" and said.get("code"):
        return f", in {said['code']}{_for(said.get('for'))}"
    return ""


def _for(starter: Any) -> str:
    how = starter.get("authentication") if isinstance(starter, Mapping) else None
    if not isinstance(starter, Mapping) or how == {"method": "worker"}:
        return ""
    words = in_words(how)
    return f", for {starter.get('name', '')} ({words[:1].lower()}{words[1:]})"


def _second(said: Mapping[str, Any]) -> str:
    names = {"totp": "a code", "webauthn": "a security key", "recovery_codes": "a recovery code"}
    if not (kind := said.get("secondStep")):
        return ""
    named = names.get(str(kind), "the identity provider's" if kind == "provider" else "another")
    return f"; second step by {named}{_moment(said.get('secondStepAt'))}"


def _moment(text: Any) -> str:
    if not text:
        return ""
    at = parse_rfc3339(str(text))
    return f" on {at.day} {at:%b %Y, %H:%M:%S} UTC"


def _at(name: str, record: Mapping[str, Any]) -> dict[str, str]:
    if not record.get("at"):
        return {}
    return {name: rfc3339(datetime.fromtimestamp(float(record["at"]), UTC).replace(microsecond=0))}
