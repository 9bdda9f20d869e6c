"""The controls app. Its workflow's steps are the evidence app's, which registers them."""

from __future__ import annotations

from django.apps import AppConfig


class ControlsConfig(AppConfig):
    name = "controls"
    default_auto_field = "django.db.models.BigAutoField"
