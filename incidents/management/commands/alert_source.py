"""Set up the senders of alerts: `manage.py alert_source northwind add grafana-eu --shape GRAFANA`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from conductor.lib.clock import now, rfc3339
from conductor.lib.errors import Refused
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.directory import tenant_id_for_slug
from incidents.alerts.receiving import try_out
from incidents.alerts.selectors import alert_source, alert_sources, path_of_source
from incidents.alerts.sources import NewSource, add_alert_source, end_alert_source, map_severities, rotate_alert_source
from incidents.models.alert import AlertSource


class Command(BaseCommand):
    help = "Add, list, try out, map, rotate and end the sources that alerts come from."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("tenant", help="The tenant's short name")
        parser.add_argument("do", choices=sorted(_VERBS), help="What to do")
        parser.add_argument("name", nargs="?", default="", help="The source's name; not for list")
        parser.add_argument("words", nargs="*", metavar="WORD=SEVERITY", help="For map: page=SEV1, watchdog=none")
        parser.add_argument("--shape", choices=AlertSource.Shape.values, default="GENERIC", help="For add")
        parser.add_argument("--secret", default="", help="For rotate: a secret that the sender has made")

    def handle(self, *args: Any, **options: Any) -> None:
        tenant_id = tenant_id_for_slug(options["tenant"])
        if tenant_id is None:
            raise CommandError(f"There is no tenant {options['tenant']}.")
        if options["do"] != "list" and not options["name"]:
            raise CommandError("Name the source.")
        try:
            with tenant_scope(tenant_id):
                for line in _VERBS[options["do"]](tenant_id, options):
                    self.stdout.write(line)
        except Refused as refused:
            raise CommandError(refused.detail) from refused


Lines = list[str]


def _add(tenant_id: UUID, options: dict[str, Any]) -> Lines:
    made = add_alert_source(
        tenant_id=tenant_id, name=options["name"], shape=options["shape"], actor=_actor(), now=now()
    )
    return _shown(made)


def _list(tenant_id: UUID, options: dict[str, Any]) -> Lines:
    return [_line(source) for source in alert_sources()]


def _rotate(tenant_id: UUID, options: dict[str, Any]) -> Lines:
    return _shown(rotate_alert_source(source=_source(options), secret=options["secret"], actor=_actor(), now=now()))


def _map(tenant_id: UUID, options: dict[str, Any]) -> Lines:
    words = {}
    for pair in options["words"]:
        word, sign, meaning = pair.rpartition("=")
        if not sign:
            raise CommandError(f"Write WORD=SEVERITY, not {pair}.")
        words[word] = meaning
    return [_line(map_severities(source=_source(options), words=words, actor=_actor(), now=now()))]


def _test(tenant_id: UUID, options: dict[str, Any]) -> Lines:
    return [each["reason"] for each in try_out(source=_source(options), now=now())["dispositions"]]


def _end(tenant_id: UUID, options: dict[str, Any]) -> Lines:
    return [_line(end_alert_source(source=_source(options), actor=_actor(), now=now()))]


_VERBS: dict[str, Callable[[UUID, dict[str, Any]], Lines]] = {
    "add": _add,
    "list": _list,
    "rotate": _rotate,
    "map": _map,
    "test": _test,
    "end": _end,
}


def _actor() -> Actor:
    return Actor.system(channel="cli")


def _source(options: dict[str, Any]) -> AlertSource:
    return alert_source(name=options["name"])


def _shown(made: NewSource) -> Lines:
    return [f"Address: {path_of_source(made.source)}", f"Secret, shown this once: {made.secret}"]


def _line(source: AlertSource) -> str:
    state = f"ended {rfc3339(source.disabled_at)}" if source.disabled_at else "live"
    seen = f"last sent {rfc3339(source.last_seen_at)}" if source.last_seen_at else "has sent nothing"
    words = " ".join(f"{word}={meaning}" for word, meaning in sorted(source.severity_words.items()))
    return "  ".join(part for part in (source.name, source.get_shape_display(), state, seen, words) if part)
