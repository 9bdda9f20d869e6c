"""The one table of kinds. Nothing is scanned for; a kind is imported by its dotted path when it is first used."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.module_loading import import_string

from adapters.ports.protocols import Adapter, Port


class UnknownKind(LookupError):
    """No adapter kind has this name."""


@dataclass(frozen=True)
class Kind:
    """A vendor or protocol behind a port."""

    label: str
    port: Port
    path: str
    """Dotted path of the adapter's class, below adapters.kinds."""
    docs: str
    """Anchor in docs/reference/adapters.md."""

    def load(self) -> type[Adapter]:
        """Return the class."""
        loaded: type[Adapter] = import_string(f"adapters.kinds.{self.path}")
        return loaded


KINDS = {
    "smtp": Kind("Mail (SMTP)", Port.NOTIFICATION, "smtp.adapter.Smtp", "smtp"),
    "webhook": Kind("Webhook (Standard Webhooks)", Port.NOTIFICATION, "webhook.adapter.StandardWebhook", "webhook"),
    "local": Kind("Own key", Port.NOTARY, "local.adapter.LocalNotary", "local"),
    "rfc3161": Kind("Time-stamp authority (RFC 3161)", Port.NOTARY, "rfc3161.adapter.Rfc3161", "rfc3161"),
    "postgres": Kind("PostgreSQL dump and restore", Port.BACKUP, "postgres.adapter.Postgres", "postgres"),
    "prometheus": Kind("Prometheus", Port.METRICS, "prometheus.adapter.Prometheus", "prometheus"),
    "roundup": Kind("Roundup", Port.TICKETING, "roundup.adapter.Roundup", "roundup"),
    "github": Kind("GitHub issues", Port.TICKETING, "github.adapter.GitHub", "github"),
    "jira": Kind("Jira Cloud", Port.TICKETING, "jira.adapter.Jira", "jira"),
}


def kind(name: str) -> Kind:
    """Return the kind of that name; raise UnknownKind."""
    try:
        return KINDS[name]
    except KeyError:
        raise UnknownKind(name) from None


def kinds_of(port: Port) -> dict[str, Kind]:
    """Return the kinds behind a port, by name."""
    return {name: each for name, each in KINDS.items() if each.port == port}
