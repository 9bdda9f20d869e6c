"""The chatops app and what it registers by name."""

from __future__ import annotations

from django.apps import AppConfig


class ChatopsConfig(AppConfig):
    name = "chatops"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from adapters.secrets.places import register_places
        from chatops.console import panels
        from chatops.slack.inbound import waking
        from chatops.slack.workspace import credentials, inbox
        from conductor.console.inbox.registry import register_family
        from conductor.console.shell.panels import register_panel
        from conductor.ledger.receipts import subscribe

        register_panel(
            place="palette", name="commands", order=2, template="_palette_results.html", context=panels.palette_panel
        )
        register_family(name="chatops", family=inbox.FAMILY)
        subscribe(name="chatops.channels", subscriber=waking.on_receipt)
        register_places(name="chatops", places=credentials.token_places)
