"""`manage.py policy_simulate`: recorded decisions against other rules. Writes nothing; its example needs no data."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from conductor.lib.clock import parse_rfc3339
from conductor.lib.errors import Refused
from conductor.policy.candidate import Candidate, candidate_of_files, candidate_with
from conductor.policy.engine import EngineFailure
from conductor.policy.example import CANDIDATES, DATA, FOLDER, example_decisions
from conductor.policy.models import TenantPolicy
from conductor.policy.selectors import decisions_between
from conductor.policy.simulation import CASES, KINDS, Recorded, Tally, recorded, recorded_event, replay
from conductor.policy.tenant_rules import TenantRules, own, rules_in_force
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.directory import tenant_id_for_slug

BATCH = 50
SHOWN = 12


class Command(BaseCommand):
    """Prints a table of differences and the gate; exits with 1 when the gate fails or, if asked, on any allowance."""

    help = "Replay recorded decisions against candidate rules (docs/how-to/write-and-simulate-a-policy.md)."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--example", action="store_true", help="Replay the example's decisions on its candidates")
        parser.add_argument("--tenant", help="Short name of the tenant whose decisions are replayed")
        parser.add_argument("--log", type=Path, help="Decisions as lines of an OPA decision log, instead of a tenant's")
        parser.add_argument("--since", type=parse_rfc3339, help="Only decisions from this moment on (RFC 3339)")
        parser.add_argument("--until", type=parse_rfc3339, help="Only decisions before this moment")
        parser.add_argument(
            "--action", action="append", default=[], help="Only decisions about this action; repeatable"
        )
        parser.add_argument("--rego", type=Path, action="append", default=[], help="File or folder of candidate rules")
        parser.add_argument("--data", type=Path, help="JSON file: {policy name: data}")
        parser.add_argument("--policy", help="The tenant's own policy of this name, its newest version")
        parser.add_argument("--json", action="store_true", help="Print the whole result as JSON")
        parser.add_argument("--fail-on-allow", action="store_true", help="Also fail when a denial becomes an allowance")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            failed = self._example() if options["example"] else self._one(options)
        except Refused as refused:
            reasons = [f"{name}: {' '.join(why)}" for name, why in refused.fields.items()]
            raise CommandError("\n".join([refused.detail, *reasons])) from refused
        except EngineFailure as failure:
            raise CommandError(f"The candidate could not be asked: {failure}") from failure
        if failed:
            raise CommandError(failed)

    def _example(self) -> str:
        """Replay the example on each of its candidates; the second must be caught, or the example itself fails."""
        gates = []
        for name, title in CANDIDATES:
            self.stdout.write(self.style.MIGRATE_HEADING(f"\n{name}: {title}"))
            files = {name: (FOLDER / name).read_text(encoding="utf-8")}
            candidate = candidate_of_files(files, data=DATA, in_force=TenantRules(), tenant="example")
            tally = self._replayed(candidate, list(example_decisions()), "example")
            self._print(tally)
            gates.append(tally.gate)
        return "" if gates == ["passed", "failed", "passed"] else f"The gates of the example are {', '.join(gates)}."

    def _one(self, options: dict[str, Any]) -> str:
        candidate, decisions, tenant = self._gathered(options)
        if not decisions:
            raise CommandError("No decision to replay: widen the period, or name another tenant.")
        tally = self._replayed(candidate, decisions, tenant)
        if options["json"]:
            self.stdout.write(json.dumps({**tally.as_json(), "gate": tally.gate, "candidate": candidate.digest}))
        else:
            self._print(tally)
        if tally.gate == "failed":
            return f"The gate failed: {tally.opened} removals of an attribute allow what was denied."
        if options["fail_on_allow"] and tally.counts["deny_to_allow"]:
            return f"{tally.counts['deny_to_allow']} denials would be allowed."
        return ""

    def _gathered(self, options: dict[str, Any]) -> tuple[Candidate, list[Recorded], str]:
        tenant_id = _tenant(options["tenant"]) if options["tenant"] else None
        if tenant_id is None:
            if options["policy"] or not options["log"]:
                raise CommandError("Name the --tenant, or bring decisions in a --log.")
            candidate = _from_files(options, TenantRules(), "cli")
            return candidate, _from_log(options["log"]), "cli"
        with tenant_scope(tenant_id):
            in_force = rules_in_force()
            if options["policy"]:
                candidate = candidate_with(own(_newest(options["policy"])), in_force=in_force)
            else:
                candidate = _from_files(options, in_force, str(tenant_id))
            rows = decisions_between(options["since"], options["until"], options["action"])
            found = [recorded(row) for row in rows.order_by("id").iterator()]
        return candidate, _from_log(options["log"]) if options["log"] else found, str(tenant_id)

    def _replayed(self, candidate: Candidate, decisions: Sequence[Recorded], tenant: str) -> Tally:
        tally, waiting = Tally(), iter(decisions)
        while batch := list(islice(waiting, BATCH)):
            replay(candidate, batch, tally, tenant=tenant)
            self.stderr.write(f"{tally.replayed} of {len(decisions)} decisions replayed", ending="\n")
        return tally

    def _print(self, tally: Tally) -> None:
        self.stdout.write("".join(f"{kind.replace('_', ' '):>18}" for kind in KINDS))
        self.stdout.write("".join(f"{tally.counts[kind]:>18}" for kind in KINDS))
        for case in tally.cases[:SHOWN]:
            before, after = (", ".join(case[side]["codes"]) or "allow" for side in ("before", "after"))
            self.stdout.write(f"  {case['decision'][-12:]}  {case['action']:<18} {before} -> {after}")
        differing = sum(tally.counts[kind] for kind in KINDS[:3])
        if differing > SHOWN:
            self.stdout.write(f"  and {differing - SHOWN} more{' (500 kept)' if differing > CASES else ''}")
        of = f"{sum(tally.mutated.values())} of {tally.replayed} decisions"
        tried = f"{tally.mutations} removals of an attribute from {of}"
        style = self.style.ERROR if tally.gate == "failed" else self.style.SUCCESS
        self.stdout.write(style(f"gate {tally.gate}: {tried}, {tally.opened} newly allowed"))
        for (removed, by), count in _openings(tally):
            self.stdout.write(f"  without {removed}: {by} allows {count} that it denied")


def _openings(tally: Tally) -> list[tuple[tuple[str, str], int]]:
    found: dict[tuple[str, str], int] = {}
    for each in tally.openings:
        key = (each["removed"], each["by"])
        found[key] = found.get(key, 0) + 1
    return sorted(found.items())[:SHOWN]


def _tenant(slug: str) -> UUID:
    tenant_id = tenant_id_for_slug(slug)
    if tenant_id is None:
        raise CommandError(f"There is no tenant {slug}.")
    return tenant_id


def _newest(name: str) -> TenantPolicy:
    policy = TenantPolicy.objects.filter(name=name).order_by("-version").first()
    if policy is None:
        raise CommandError(f"The tenant has no policy {name}.")
    return policy


def _from_files(options: dict[str, Any], in_force: TenantRules, tenant: str) -> Candidate:
    if not options["rego"]:
        raise CommandError("Bring candidate rules with --rego, or name a --policy of the tenant.")
    data = json.loads(options["data"].read_text(encoding="utf-8")) if options["data"] else {}
    files = {path.name: path.read_text(encoding="utf-8") for given in options["rego"] for path in _rego_in(given)}
    return candidate_of_files(files, data=data, in_force=in_force, tenant=tenant)


def _rego_in(given: Path) -> Iterator[Path]:
    yield from sorted(given.glob("*.rego")) if given.is_dir() else [given]


def _from_log(path: Path) -> list[Recorded]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        return [recorded_event(json.loads(line)) for line in lines if line.strip()]
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise CommandError(f"{path.name} is no decision log: {error!r}") from error
