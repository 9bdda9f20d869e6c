"""`manage.py runs`: list, show, cancel, retry, signal, decide, limit, backlog. Plain text, or JSON with --json."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser

from conductor.engine import selectors
from conductor.engine.lifecycle.answering import decide_wait, send_signal
from conductor.engine.lifecycle.limiting import set_run_limit
from conductor.engine.lifecycle.operating import cancel_run, retry_run
from conductor.engine.models import Run
from conductor.engine.operate import accounts
from conductor.engine.operate.backlog import backlogs
from conductor.lib.clock import now
from conductor.lib.errors import Refused
from conductor.tenancy.actors import Actor, actor_for_user
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.directory import tenant_id_for_slug
from conductor.tenancy.models import Tenant

SHOWN = 30


class Command(BaseCommand):
    help = "Look at workflow runs and operate them."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", required=True, help="the tenant's short name")
        parser.add_argument("--json", action="store_true", help="print JSON")
        parser.add_argument("--as", dest="member", metavar="EMAIL", help="act as this member, with their permissions")
        verbs = parser.add_subparsers(dest="verb", required=True)
        listing = verbs.add_parser("list", help="the newest runs")
        listing.add_argument("--status", choices=[each.lower() for each in Run.Status.values])
        listing.add_argument("--workflow")
        listing.add_argument("--limit", type=int, default=SHOWN)
        _about_a_run(verbs.add_parser("show", help="one run with its steps, items, tries and log"))
        cancel = _about_a_run(verbs.add_parser("cancel", help="end a run that is not over"))
        cancel.add_argument("--reason", default="")
        _about_a_run(verbs.add_parser("retry", help="run a failed run again from where it failed"))
        signal = _about_a_run(verbs.add_parser("signal", help="send a run a named signal"))
        signal.add_argument("name")
        signal.add_argument("--payload", default="{}", help="a JSON object")
        signal.add_argument("--key", default="", help="a repeat with the same key changes nothing")
        decide = _about_a_run(verbs.add_parser("decide", help="approve or reject what a run waits for (needs --as)"))
        decide.add_argument("answer", choices=["approve", "reject"])
        decide.add_argument("--reason", required=True)
        decide.add_argument("--step", type=UUID, help="id of the waiting item, where several wait")
        limit = verbs.add_parser("limit", help="how many runs and items of the tenant may be at work at once")
        limit.add_argument("most", help="a number, or `default`")
        verbs.add_parser("backlog", help="what is due and what is at work, per priority")

    def handle(self, *args: Any, **options: Any) -> None:
        tenant_id = tenant_id_for_slug(options["tenant"])
        if tenant_id is None:
            raise CommandError(f"There is no tenant {options['tenant']}.")
        try:
            with tenant_scope(tenant_id):
                options["actor"] = self._actor(tenant_id, options["member"])
                options["tenant_id"] = tenant_id
                answer, lines = getattr(self, f"_{options['verb']}")(options)
        except Refused as refused:
            complaints = [f"{name}: {' '.join(why)}" for name, why in refused.fields.items()]
            raise CommandError(" ".join([f"{refused.detail} ({refused.code})", *complaints])) from refused
        if options["json"]:
            self.stdout.write(json.dumps(answer, indent=2, default=str))
        else:
            for line in lines:
                self.stdout.write(line)

    def _actor(self, tenant_id: UUID, email: str | None) -> Actor:
        if not email:
            return Actor.system(channel="cli")
        user = User.objects.filter(email__iexact=email).first()
        actor = user and actor_for_user(user=user, tenant=Tenant.objects.get(id=tenant_id), channel="cli")
        if not actor:
            raise CommandError(f"{email} is not a member of this tenant.")
        return actor

    def _list(self, options: dict[str, Any]) -> tuple[Any, list[str]]:
        runs = Run.objects.order_by("-number")
        if options["status"]:
            runs = runs.filter(status=options["status"].upper())
        if options["workflow"]:
            runs = runs.filter(workflow=options["workflow"])
        found = list(runs[: options["limit"]])
        return [accounts.of_run(run) for run in found], [accounts.line_of(run) for run in found] or ["No runs."]

    def _show(self, options: dict[str, Any]) -> tuple[Any, list[str]]:
        run = _found(options["run"])
        account = accounts.in_full(run)
        return account, accounts.lines_of(account)

    def _cancel(self, options: dict[str, Any]) -> tuple[Any, list[str]]:
        run = _found(options["run"])
        return _told(cancel_run(run=run, actor=options["actor"], reason=options["reason"], now=now()), "cancelled")

    def _retry(self, options: dict[str, Any]) -> tuple[Any, list[str]]:
        return _told(retry_run(run=_found(options["run"]), actor=options["actor"], now=now()), "queued again")

    def _signal(self, options: dict[str, Any]) -> tuple[Any, list[str]]:
        try:
            payload = json.loads(options["payload"])
        except ValueError as error:
            raise CommandError(f"--payload is not JSON: {error}") from error
        if not isinstance(payload, dict):
            raise CommandError("--payload is not a JSON object.")
        run = _found(options["run"])
        send_signal(
            run=run,
            name=options["name"],
            payload=payload,
            dedup_key=options["key"],
            actor=options["actor"],
            now=now(),
        )
        return _told(_found(options["run"]), f"was sent {options['name']}")

    def _decide(self, options: dict[str, Any]) -> tuple[Any, list[str]]:
        if not options["member"]:
            raise CommandError("A decision is a person's: say whose with --as EMAIL.")
        run = decide_wait(
            run=_found(options["run"]),
            approve=options["answer"] == "approve",
            reason=options["reason"],
            step_id=options["step"],
            actor=options["actor"],
            now=now(),
        )
        return _told(run, f"{options['answer']}d by {options['actor'].name}".replace("rejectd", "rejected"))

    def _limit(self, options: dict[str, Any]) -> tuple[Any, list[str]]:
        text = options["most"]
        if text != "default" and not text.isdigit():
            raise CommandError("Give a number, or `default`.")
        most = None if text == "default" else int(text)
        set_run_limit(tenant_id=options["tenant_id"], run_limit=most, actor=options["actor"], now=now())
        return {"run_limit": most}, [f"{options['tenant']}: {text} at once"]

    def _backlog(self, options: dict[str, Any]) -> tuple[Any, list[str]]:
        found = backlogs(now=now())
        lines = [f"{'priority':<12}{'due':>8}{'oldest':>12}{'at work':>10}"]
        for each in found:
            lines.append(f"{each.priority.label:<12}{each.due:>8}{each.oldest_seconds:>10.0f} s{each.at_work:>10}")
        return [accounts.of_backlog(each) for each in found], lines


def _about_a_run(parser: ArgumentParser) -> ArgumentParser:
    parser.add_argument("run", help="R-17, or 17")
    return parser


def _found(code: str) -> Run:
    digits = code.upper().removeprefix("R-")
    run = selectors.run_with_steps(number=int(digits)) if digits.isdigit() else None
    if run is None:
        raise CommandError(f"There is no run {code}.")
    return run


def _told(run: Run, what: str) -> tuple[Any, list[str]]:
    return accounts.of_run(run), [f"{run.code} {what}: {run.get_status_display().lower()}"]
