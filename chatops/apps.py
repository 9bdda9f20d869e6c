"""The chatops app and what it registers by name."""

from __future__ import annotations

from django.apps import AppConfig


class ChatopsConfig(AppConfig):
    name = "chatops"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from chatops import waking
        from conductor.ledger.receipts import subscribe

        subscribe(name="chatops.channels", subscriber=waking.on_receipt)
