"""`{% load signin %}`: which ways to sign in this installation offers."""

from __future__ import annotations

from django import template

from conductor.access.passwords import is_open

register = template.Library()


@register.simple_tag
def passwords_open() -> bool:
    """`{% passwords_open as passwords %}`: whether passwords let people in."""
    return is_open()
