"""Keeps a record of signing in, failing to, and changing how one signs in: receipts in each of the person's tenants.

No address of the network is kept: a receipt stays for years, and which session it was is on the sessions page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog
from allauth.account.authentication import get_authentication_records
from allauth.account.internal.flows.login import clear_authentication_records, record_authentication
from allauth.account.signals import password_changed, password_reset, password_set, user_logged_in
from allauth.account.utils import filter_users_by_email
from allauth.mfa.signals import authenticator_added, authenticator_removed, authenticator_reset
from allauth.mfa.utils import is_mfa_enabled
from django.contrib.auth.signals import user_logged_in as session_began
from django.contrib.auth.signals import user_login_failed

from conductor.access import identity
from conductor.access.lifecycle.records import record_act_of
from conductor.lib.clock import now
from conductor.lib.refs import ref
from conductor.tenancy.actors import Actor, display_name
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.directory import tenants_of_user
from conductor.tenancy.sessions import limits, proof
from conductor.tenancy.sessions.authentication import Authentication, of_session, strongest
from conductor.tenancy.sessions.proof import MAIL_LINK, NOBODY, Proof
from conductor.tenancy.sessions.second_step import TYPES

if TYPE_CHECKING:
    from django.contrib.auth.models import User

ADDED, REMOVED = "access.second_step.added", "access.second_step.removed"
RESET = "access.password.reset"

log = structlog.get_logger("conductor.access")


def connect() -> None:
    """Begin to listen. Called in AppConfig.ready()."""
    session_began.connect(limits.begin, dispatch_uid="conductor.session_began")
    user_logged_in.connect(signed_in, dispatch_uid="conductor.signed_in")
    user_login_failed.connect(failed, dispatch_uid="conductor.signin_failed")
    for signal, what in (
        (authenticator_added, ADDED),
        (authenticator_removed, REMOVED),
        (authenticator_reset, "access.recovery_codes.renewed"),
        (password_changed, "access.password.changed"),
        (password_set, "access.password.changed"),
        (password_reset, RESET),
    ):
        signal.connect(_Changed(what), weak=False, dispatch_uid=f"conductor.{what}")


def signed_in(sender: object, request: Any, user: User, **kwargs: Any) -> None:
    """A session has begun. Roles by the provider's groups come first, so that they are there for the record."""
    social = kwargs.get("sociallogin")
    if social is not None:
        identity.join_by_groups(user=user, groups=identity.groups_in(social.account.extra_data), now=now())
        if identity.asked_for_a_second_step(social.account.extra_data):
            record_authentication(request, user, method="mfa", type="provider")
    records = get_authentication_records(request, user)
    if records:
        strength = strongest(records)
        body = {"authentication": strength.value}
        _record(user, "access.signin.succeeded", body, strength, proof.of_records(records))


def failed(sender: object, credentials: dict[str, Any], request: Any = None, **kwargs: Any) -> None:
    """A password did not fit. Who is known is told by their tenants' logs; who is not, by ours alone."""
    email = str(credentials.get("email", ""))
    known = filter_users_by_email(email) if email else []
    log.warning("sign-in failed", action="access.signin.failed", known=bool(known))
    for user in known:
        _record(user, "access.signin.failed", {"authentication": "password"}, Authentication.UNKNOWN, NOBODY)


class _Changed:
    """Receiver of one of allauth's signals."""

    def __init__(self, action: str) -> None:
        self.action = action

    def __call__(self, sender: object, request: Any, user: User, **kwargs: Any) -> None:
        authenticator = kwargs.get("authenticator")
        if self.action == ADDED and authenticator is not None and authenticator.type in TYPES:
            # Adding one takes a code of the app or a touch of the key, right after the password was given again.
            record_authentication(request, user, method="mfa", type=str(authenticator.type))
        if self.action == REMOVED and not is_mfa_enabled(user, TYPES):
            _forget_second_step(request, user)
        body = {"type": str(authenticator.type)} if authenticator is not None else {}
        how = MAIL_LINK if self.action == RESET else proof.of_session(request, user)
        _record(user, self.action, body, of_session(request, user), how)


def _forget_second_step(request: Any, user: User) -> None:
    """Whoever removed their last second step goes on with what the session has proven beside it."""
    kept = [each for each in get_authentication_records(request, user) if each.get("method") != "mfa"]
    clear_authentication_records(request)
    for each in kept:
        record_authentication(request, user, **{name: value for name, value in each.items() if name != "at"})


def _record(user: User, action: str, body: dict[str, Any], proven: Authentication, how: Proof) -> None:
    who = ref("tenancy.user", user.pk)
    for tenant in tenants_of_user(user.pk):
        with tenant_scope(tenant.id):
            actor = Actor(who, display_name(user), (tenant.role,), "console", authentication=proven, proof=how)
            record_act_of(user=user, tenant_id=tenant.id, action=action, body=body, actor=actor, now=now())
