"""The backbone's app: makes Celery's application the current one and wakes the sequencer after each act."""

from __future__ import annotations

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class ConductorConfig(AppConfig):
    name = "conductor"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from conductor import celery, checks  # noqa: F401 - both register themselves
        from conductor.access import signin
        from conductor.console import policy
        from conductor.console.inbox import approvals, tokens
        from conductor.console.inbox.registry import register_family
        from conductor.console.shell import palette
        from conductor.engine.operate import simulations
        from conductor.engine.operate.gauges import read_backlog
        from conductor.engine.tasks import wake_sequencer
        from conductor.ledger.gauges import read_ages
        from conductor.ledger.receipts import subscribe
        from conductor.observability.readings import register_reading
        from conductor.tenancy.database.keys import bind_after_migrating

        signin.connect()
        post_migrate.connect(bind_after_migrating, sender=self, dispatch_uid="conductor.bind_keys")
        palette.register()
        policy.register()
        register_family(name="conductor", family=approvals.FAMILY)
        register_family(name="tokens", family=tokens.FAMILY)
        subscribe(name="sequencer", subscriber=wake_sequencer)
        register_reading(name="ledger", reading=read_ages)
        simulations.register()
        register_reading(name="engine", reading=read_backlog)
