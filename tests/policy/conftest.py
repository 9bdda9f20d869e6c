from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User

from conductor.tenancy.actors import Actor
from tests.policy.asking import Asked


@pytest.fixture
def ask(actor: Callable[..., Actor], ben: User) -> Asked:
    """Ben declares a SEV2 in Slack."""
    return Asked(actor(ben, channel="slack"))
