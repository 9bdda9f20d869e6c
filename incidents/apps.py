"""The incidents app and what it registers by name."""

from __future__ import annotations

from django.apps import AppConfig


class IncidentsConfig(AppConfig):
    name = "incidents"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from adapters.secrets.places import register_places
        from conductor.access.cases import register_cases
        from conductor.console.inbox.registry import register_family
        from conductor.console.shell.panels import register_panel
        from conductor.ledger.verify.records import register_records
        from incidents import workflows
        from incidents.alerts.sources import secret_places
        from incidents.inbox.family import FAMILY
        from incidents.incident import cases
        from incidents.integrity import record_check
        from incidents.page import panels

        workflows.register()
        register_family(name="incidents", family=FAMILY)
        register_cases(name="incidents", find=cases.find)
        register_records(name="incidents", check=record_check.check_incidents)
        register_places(name="incidents", places=secret_places)
        register_panel(place="shell.live", name="incidents", order=1, template="_live.html", context=panels.live_panel)
        register_panel(
            place="palette", name="incidents", order=1, template="_palette_results.html", context=panels.palette_panel
        )
        register_panel(
            place="palette",
            name="postmortems",
            order=2,
            template="_palette_results.html",
            context=panels.palette_postmortems,
        )
        register_panel(
            place="run.subject",
            name="incident",
            order=1,
            template="incidents/page/_run_subject.html",
            context=panels.run_subject,
        )
