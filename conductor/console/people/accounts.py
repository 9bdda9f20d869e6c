"""Pages about one's own account beside allauth's: what is closed there, and confirming that it is still you."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import record_authentication
from allauth.account.utils import get_next_redirect_url
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from conductor.access.lifecycle.break_glass import METHOD, use_break_glass
from conductor.console.refusals.errors import refusal
from conductor.lib.clock import now
from conductor.lib.errors import Conflict, NotAllowed, Refused

BACKEND = "django.contrib.auth.backends.ModelBackend"


class AddressFixed(NotAllowed):
    """Your address cannot be changed here. Ask an admin of your organisation to invite your new address."""

    code = "address_fixed"


class AddressTaken(Conflict):
    """Another account has this address and has not proven it. Ask an admin of your organisation to look into it."""

    code = "address_taken"


def fixed_address(request: HttpRequest) -> HttpResponse:
    """Refuse to add or change an address: the ones that Conductor knows were proven or given by the operator."""
    return refusal(request, AddressFixed())


def address_taken(request: HttpRequest) -> HttpResponse:
    """Explain why the identity provider's person got no account. There is no form: it would take any address."""
    request.session.pop("socialaccount_sociallogin", None)
    return refusal(request, AddressTaken())


@never_cache
@require_GET
def break_glass(request: HttpRequest, token: str) -> HttpResponseBase:
    """Sign in by a link that an operator made on the server (`manage.py break_glass`)."""
    try:
        user = use_break_glass(token=token, now=now())
    except Refused as refused:
        return refusal(request, refused)
    login(request, user, backend=BACKEND)
    UserSession.objects.create_from_request(request)
    record_authentication(request, user, method=METHOD)
    return redirect("home")


@never_cache
@require_GET
@login_required
def confirm(request: HttpRequest) -> HttpResponse:
    """Offer each way in which this person can show that it is still them, and the way on afterwards."""
    ways: list[dict[str, Any]] = get_adapter().get_reauthentication_methods(request.user)
    context = {
        "ways": ways,
        "by_provider": SocialAccount.objects.filter(user_id=request.user.pk).exists(),
        "back": get_next_redirect_url(request) or "/",
    }
    return render(request, "account/confirm.html", context)
