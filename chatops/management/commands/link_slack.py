"""`manage.py link_slack northwind T0123 --name Northwind`: the operator connects a workspace or a person."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser

from chatops.slack.workspace.identities import link_identity
from chatops.slack.workspace.lifecycle import link_workspace
from conductor.access.addresses import holder_of
from conductor.lib.clock import now
from conductor.lib.errors import Refused
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.directory import tenant_id_for_slug


class Command(BaseCommand):
    help = "Connect a Slack workspace on your word as the operator, or say which member a Slack user is."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("tenant", help="slug of the organisation")
        parser.add_argument("team_id", help="id of the workspace, T…")
        parser.add_argument("--name", default="", help="what to call the workspace")
        parser.add_argument("--token-reference", default="", help="env:NAME or file:/path of its bot token")
        parser.add_argument("--user", nargs=2, metavar=("SLACK_USER", "ADDRESS"), help="link this Slack user instead")

    def handle(self, *args: Any, **options: Any) -> None:
        tenant_id = tenant_id_for_slug(options["tenant"])
        if tenant_id is None:
            raise CommandError(f"there is no organisation {options['tenant']}")
        given: dict[str, Any] = {
            "tenant_id": tenant_id,
            "team_id": options["team_id"],
            "actor": Actor.system("Operator", channel="cli"),
            "now": now(),
        }
        user = self._user(options["user"])
        try:
            with tenant_scope(tenant_id):
                if user is not None:
                    link_identity(**given, slack_user_id=options["user"][0], user=user)
                else:
                    name, reference = options["name"] or options["team_id"], options["token_reference"]
                    link_workspace(**given, team_name=name, bot_token_reference=reference)
        except Refused as refused:
            raise CommandError(refused.detail) from refused
        self.stdout.write("linked")

    def _user(self, named: list[str] | None) -> User | None:
        if not named:
            return None
        user = holder_of(named[1])
        if user is None:
            raise CommandError(f"nobody has proven the address {named[1]}")
        return user
