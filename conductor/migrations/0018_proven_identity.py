"""Proven addresses, accounts keyed by issuer and subject, and which memberships groups gave (docs/decisions/0070)."""

from __future__ import annotations

import hashlib
from typing import Any

import rfc8785
from django.db import migrations, models


def settle(apps: Any, schema_editor: Any) -> None:
    """Keep what was proven or given by the operator; drop what members only claimed."""
    database = schema_editor.connection.alias
    people = apps.get_model("auth", "User").objects.using(database)
    addresses = apps.get_model("account", "EmailAddress").objects.using(database)
    _settle_addresses(people, addresses)
    for account in apps.get_model("socialaccount", "SocialAccount").objects.using(database).iterator():
        token = account.extra_data.get("id_token")
        if isinstance(token, dict) and token.get("iss") and token.get("sub"):
            account.uid = hashlib.sha256(rfc8785.dumps([str(token["iss"]), str(token["sub"])])).hexdigest()
            account.save(update_fields=["uid"])


def _settle_addresses(people: Any, addresses: Any) -> None:
    # Without a row, the operator made the account: until now every page that touched an address left one.
    for user in people.filter(emailaddress=None).exclude(email=""):
        shared = people.filter(email__iexact=user.email).exclude(pk=user.pk).exists()
        if not shared and not addresses.filter(email__iexact=user.email, verified=True).exists():
            addresses.create(user_id=user.pk, email=user.email.lower(), verified=True, primary=True)
    proven = {each.user_id: each.email for each in addresses.filter(verified=True).order_by("primary", "id")}
    addresses.filter(verified=False, user_id__in=proven).delete()
    for user in people.filter(pk__in=proven):
        if user.email.lower() != proven[user.pk].lower():
            people.filter(pk=user.pk).update(email=proven[user.pk])


class Migration(migrations.Migration):
    dependencies = [
        ("conductor", "0017_mitigated_by"),
        ("account", "0009_emailaddress_unique_primary_email"),
        ("socialaccount", "0006_alter_socialaccount_extra_data"),
    ]

    operations = [
        migrations.AddField("membership", "given_by_groups", models.BooleanField(default=False, editable=False)),
        migrations.RunPython(settle, migrations.RunPython.noop),
    ]
