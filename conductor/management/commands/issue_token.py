"""Issue an API token: `manage.py issue_token ana@example.com --tenant acme --name ci --scope incidents:read`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from conductor.access.lifecycle.tokens import LIFETIMES, issue_token
from conductor.lib.clock import now
from conductor.lib.errors import Refused
from conductor.tenancy.actors import actor_for_user
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.directory import tenant_id_for_slug
from conductor.tenancy.models import Membership
from conductor.tenancy.roles import SCOPES


class Command(BaseCommand):
    help = "Print the secret of a new API token that acts as a member, once. Its receipt names the command."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", help="The member's address; a token acts in the name of its member")
        parser.add_argument("--tenant", required=True, help="The organisation's slug")
        parser.add_argument("--name", required=True, help="What the token is for")
        parser.add_argument("--scope", action="append", choices=sorted(SCOPES), required=True, help="May be repeated")
        parser.add_argument("--days", type=int, choices=LIFETIMES, default=90, help="How long it is good for")

    def handle(self, *args: Any, **options: Any) -> None:
        tenant_id = tenant_id_for_slug(options["tenant"])
        if tenant_id is None:
            raise CommandError(f"There is no organisation {options['tenant']}.")
        with tenant_scope(tenant_id):
            members = Membership.objects.select_related("user", "tenant")
            membership = members.filter(user__email__iexact=options["email"], user__is_active=True).first()
            actor = membership and actor_for_user(user=membership.user, tenant=membership.tenant, channel="cli")
            if membership is None or not actor:
                raise CommandError(f"{options['email']} is no member of {options['tenant']}.")
            try:
                issued = issue_token(
                    membership=membership,
                    name=options["name"],
                    scopes=options["scope"],
                    days=options["days"],
                    actor=actor,
                    now=now(),
                )
            except Refused as refused:
                why = [each for reasons in (refused.fields or {}).values() for each in reasons]
                raise CommandError(" ".join(why) or refused.detail) from refused
        self.stdout.write(issued.secret)
        self.stderr.write(f"Good until {issued.token.expires_at:%Y-%m-%d}. It is not shown again.")
