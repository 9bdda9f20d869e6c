"""`manage.py incident declare sev2 Checkout fails`: the sentences of Slack's command, on the command line."""

from __future__ import annotations

from argparse import REMAINDER, ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.db.models import Q

from chatops.console.run import say
from chatops.slack.render.plain_text import as_text
from conductor.lib.clock import now
from conductor.tenancy.actors import actor_for_user
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.directory import tenant_id_for_slug
from conductor.tenancy.models import Tenant


class Command(BaseCommand):
    """Says the words as a member and prints the answer. Exits 1 when nothing was done."""

    help = "Say a sentence of the incident command as a member: incident --tenant acme --as ben ack INC-7"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--tenant", required=True, help="The organisation's slug")
        parser.add_argument("--as", required=True, dest="person", help="Username or e-mail address of the member")
        parser.add_argument("words", nargs=REMAINDER, help="The sentence, help for all of them")

    def handle(self, *args: Any, **options: Any) -> None:
        tenant_id = tenant_id_for_slug(options["tenant"])
        if tenant_id is None:
            raise CommandError(f"There is no organisation {options['tenant']}.")
        with tenant_scope(tenant_id):
            tenant = Tenant.objects.get(id=tenant_id)
            person = options["person"]
            user = User.objects.filter(Q(username=person) | Q(email__iexact=person)).first()
            actor = actor_for_user(user=user, tenant=tenant, channel="cli") if user else None
            if user is None or actor is None:
                raise CommandError(f"{person} is not a member of {tenant.name}.")
            words = " ".join(options["words"])
            spoken = say(text=words, tenant=tenant, user=user, actor=actor, now=now(), command="manage.py incident …")
        if not spoken.was_done:
            raise CommandError(as_text(spoken.answer))
        self.stdout.write(as_text(spoken.answer))
