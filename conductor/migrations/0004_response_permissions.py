"""The permissions of the response, and their grant to the roles of tenants that exist already."""

from __future__ import annotations

from typing import Any

from django.db import migrations

NEW = {
    "override_guards": ("COMMANDER", "ADMIN"),
    "configure_response": ("ADMIN",),
    "view_private": ("ADMIN",),
    "decide_reporting": ("COMMANDER", "ADMIN"),
}


def grant(apps: Any, schema_editor: Any) -> None:
    """Give each new permission to the groups of the roles that hold it."""
    Permission = apps.get_model("auth", "Permission")
    ContentType = apps.get_model("contenttypes", "ContentType")
    Group = apps.get_model("auth", "Group")
    GroupObjectPermission = apps.get_model("guardian", "GroupObjectPermission")
    Tenant = apps.get_model("conductor", "Tenant")
    # Not the default connection: that is the application's role, which sees no tenant here.
    using = schema_editor.connection.alias
    tenants = list(Tenant.objects.using(using))
    if not tenants:
        return
    # post_migrate makes permissions; a tenant that exists needs them now.
    content_type, _ = ContentType.objects.using(using).get_or_create(app_label="conductor", model="tenant")
    names = dict(Tenant._meta.permissions)
    for codename, roles in NEW.items():
        permission, _ = Permission.objects.using(using).get_or_create(
            content_type=content_type, codename=codename, defaults={"name": names[codename]}
        )
        for tenant in tenants:
            for group in Group.objects.using(using).filter(name__in=[f"tenant:{tenant.id}:{role}" for role in roles]):
                GroupObjectPermission.objects.using(using).get_or_create(
                    group=group, permission=permission, content_type=content_type, object_pk=str(tenant.id)
                )


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("guardian", "0001_initial"),
        ("conductor", "0003_walls"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="tenant",
            options={
                "permissions": [
                    ("view_incidents", "Read incidents, their timelines and the resource graph"),
                    ("respond", "Declare incidents, acknowledge them, post updates and move their status"),
                    ("command", "Assign roles and resolve the most severe incidents"),
                    ("override_guards", "Move an incident past unmet guards, with a reason"),
                    ("configure_response", "Change the response policy and its reporting rules"),
                    ("view_private", "Read private incidents"),
                    ("decide_reporting", "Decide and sign whether an incident is reported to authorities or customers"),
                    ("view_evidence", "Read evidence bundles, packs and receipts"),
                    ("collect_evidence", "Open evidence bundles and attach artifacts"),
                    ("seal_evidence", "Seal evidence bundles"),
                    ("view_controls", "Read the control catalogue and its coverage"),
                    ("run_controls", "Start control workflows"),
                    ("view_runs", "Read workflow runs"),
                    ("operate_runs", "Cancel and retry workflow runs, decide their waits"),
                    ("edit_graph", "Import resources and dependencies"),
                    ("manage_adapters", "Configure adapters and their secrets"),
                    ("manage_members", "Invite members and issue API tokens"),
                ]
            },
        ),
        migrations.RunPython(grant, migrations.RunPython.noop),
    ]
