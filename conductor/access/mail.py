"""The mail that carries an invitation's link. It goes out after the commit: no link is mailed that does not hold."""

from __future__ import annotations

import structlog
from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.urls import reverse

from conductor.access.lifecycle.invitations import IssuedInvitation, mark_sent
from conductor.lib.clock import now
from conductor.tenancy.database.scope import tenant_scope

log = structlog.get_logger("conductor.access")


def link_of(issued: IssuedInvitation) -> str:
    """Return the address that the invited person opens."""
    return settings.CONDUCTOR_BASE_URL + reverse("invitation", args=[issued.secret])


def no_mail_because() -> str:
    """Return why no invitation reaches anybody by mail, in a sentence; empty where a mail server is set up."""
    backend = settings.EMAIL_BACKEND.rpartition(".")[0].rpartition(".")[2]
    if backend not in {"console", "dummy", "filebased"}:
        return ""
    if settings.CONDUCTOR_DEMO:
        return "The demonstration has no mail server: the link is shown once, when you invite somebody or send again."
    if backend == "dummy":
        return "No mail server is set up (CONDUCTOR_EMAIL_HOST), so no mail leaves."
    return "No mail server is set up (CONDUCTOR_EMAIL_HOST): mail is written where the web process runs, not sent."


def mail_invitation(issued: IssuedInvitation) -> bool:
    """Hand the link to the mail server and keep that it took it; return whether it did.

    Without a mail server nothing counts as sent; the demonstration, which shows the link, writes it into no log.
    """
    if (why := no_mail_because()) and settings.CONDUCTOR_DEMO:
        return False
    invitation = issued.invitation
    with tenant_scope(invitation.tenant_id):
        context = {"invitation": invitation, "tenant": invitation.tenant.name, "link": link_of(issued)}
    subject = " ".join(f"{invitation.invited_by_name} invites you to {context['tenant']}".split())
    try:
        send_mail(subject, render_to_string("console/mail/invitation.txt", context), None, [invitation.email])
    except (OSError, ValueError) as problem:  # smtplib's errors are OSErrors
        log.warning("invitation not sent", action="access.invitation.not_sent", error=type(problem).__name__)
        return False
    if why:
        return False
    with tenant_scope(invitation.tenant_id):
        mark_sent(invitation=invitation, now=now())
    return True
