"""The adapters app and what it registers by name."""

from __future__ import annotations

from django.apps import AppConfig


class AdaptersConfig(AppConfig):
    name = "adapters"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from adapters import checks  # noqa: F401 - registers itself
        from adapters.configuration.secrets import secret_places
        from adapters.notaries.gauges import read_notaries
        from adapters.secrets.places import register_places
        from conductor.observability.readings import register_reading

        register_places(name="adapters", places=secret_places)
        register_reading(name="notaries", reading=read_notaries)
