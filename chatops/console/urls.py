"""Address of the page on which a sentence of the command is said, below a tenant."""

from __future__ import annotations

from django.urls import path

from chatops.console.views import say_sentence

app_name = "command"
urlpatterns = [path("", say_sentence, name="say")]
