"""Address of the page on which a sentence of the command is said, below a tenant."""

from __future__ import annotations

from django.urls import path

from chatops import views

app_name = "command"
urlpatterns = [path("", views.say_sentence, name="say")]
