"""The evidence app and what it registers by name."""

from __future__ import annotations

from django.apps import AppConfig


class EvidenceConfig(AppConfig):
    name = "evidence"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from conductor.console.shell.panels import register_panel
        from conductor.ledger.anchors import register_anchors
        from conductor.ledger.receipts import subscribe
        from conductor.ledger.verify.records import register_records
        from evidence import anchoring, panels, record_check, tasks
        from evidence.coverage.around_incidents import findings_around
        from evidence.workflows import definitions
        from incidents.postmortem.control_findings import register_findings

        definitions.register()
        register_anchors(anchoring.NotaryAnchors())
        register_records(name="bundles", check=record_check.check_bundles)
        register_records(name="packs", check=record_check.check_packs)
        register_findings(findings_around)
        subscribe(name="evidence", subscriber=tasks.wake_collector)
        subscribe(name="stamps", subscriber=tasks.wake_stamper)
        subscribe(name="seals", subscriber=tasks.wake_notaries)
        for order, name in ((20, "palette_bundles"), (30, "palette_controls")):
            register_panel(
                place="palette",
                name=name,
                order=order,
                template="_palette_results.html",
                context=getattr(panels, name),
            )
        for place in ("incident.rail", "postmortem.rail", "run.rail"):
            register_panel(
                place=place,
                name="evidence",
                order=50,
                template="evidence/bundles/_panel.html",
                context=panels.bundles_panel,
            )
