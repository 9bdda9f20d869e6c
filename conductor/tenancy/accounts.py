"""Sign-in rules on top of allauth: members are invited, nobody signs up by themselves."""

from __future__ import annotations

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class MembersOnly(DefaultAccountAdapter):
    """Refuses sign-up. Admins add members (conductor.tenancy.lifecycle.add_member)."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False
