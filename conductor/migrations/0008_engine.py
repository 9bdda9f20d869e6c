"""Groups, signals, compensations, shares of the workers; and two functions that see the work of every tenant."""

import django.db.models.deletion
from django.db import migrations, models

import conductor.lib.ids
from conductor.tenancy.database.rls import APP_ROLE, row_level_security

WORK = f"""
CREATE FUNCTION conductor_turns(moment timestamptz, lowest integer, default_limit integer, most integer)
    RETURNS TABLE (tenant_id uuid, priority smallint) LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
        SELECT t.id, p.priority
        FROM conductor_tenant t
        CROSS JOIN (VALUES (10::smallint), (20::smallint)) AS p (priority)
        LEFT JOIN conductor_share s ON s.tenant_id = t.id
        WHERE conductor_current_tenant() IS NULL AND p.priority <= lowest
          AND (EXISTS (SELECT FROM conductor_run r WHERE r.tenant_id = t.id AND r.priority = p.priority
                       AND r.status IN ('QUEUED', 'WAITING') AND r.wake_at <= moment)
            OR EXISTS (SELECT FROM conductor_run r WHERE r.tenant_id = t.id AND r.priority = p.priority
                       AND r.status = 'RUNNING' AND r.lease_expires_at <= moment)
            OR EXISTS (SELECT FROM conductor_step i JOIN conductor_run r ON r.id = i.run_id
                       WHERE i.tenant_id = t.id AND i.item IS NOT NULL AND i.status IN ('PENDING', 'WAITING')
                       AND i.wake_at <= moment AND r.priority = p.priority)
            OR EXISTS (SELECT FROM conductor_step i JOIN conductor_run r ON r.id = i.run_id
                       WHERE i.tenant_id = t.id AND i.item IS NOT NULL AND i.status = 'RUNNING'
                       AND i.lease_expires_at <= moment AND r.priority = p.priority))
          AND COALESCE(s.run_limit, default_limit) > (
                SELECT count(*) FROM conductor_run r WHERE r.tenant_id = t.id AND r.priority = p.priority
                AND r.status = 'RUNNING' AND r.lease_expires_at > moment
              ) + (
                SELECT count(*) FROM conductor_step i JOIN conductor_run r ON r.id = i.run_id
                WHERE i.tenant_id = t.id AND i.item IS NOT NULL AND i.status = 'RUNNING'
                AND i.lease_expires_at > moment AND r.priority = p.priority)
        ORDER BY p.priority, s.served_at NULLS FIRST, t.id
        LIMIT most $$;

CREATE FUNCTION conductor_backlog(moment timestamptz)
    RETURNS TABLE (priority smallint, due bigint, oldest timestamptz, at_work bigint) LANGUAGE sql STABLE
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
        WITH work AS (
            SELECT r.priority, r.status = 'RUNNING' AS held, COALESCE(r.wake_at, r.lease_expires_at) AS since
            FROM conductor_run r
            WHERE r.status IN ('QUEUED', 'WAITING', 'RUNNING')
              AND (conductor_current_tenant() IS NULL OR r.tenant_id = conductor_current_tenant())
            UNION ALL
            SELECT r.priority, i.status = 'RUNNING', COALESCE(i.wake_at, i.lease_expires_at)
            FROM conductor_step i JOIN conductor_run r ON r.id = i.run_id
            WHERE i.item IS NOT NULL AND i.status IN ('PENDING', 'WAITING', 'RUNNING')
              AND (conductor_current_tenant() IS NULL OR i.tenant_id = conductor_current_tenant())
        )
        SELECT p.priority, count(*) FILTER (WHERE since <= moment), min(since) FILTER (WHERE since <= moment),
               count(*) FILTER (WHERE held AND since > moment)
        FROM (VALUES (10::smallint), (20::smallint)) AS p (priority)
        LEFT JOIN work w ON w.priority = p.priority
        GROUP BY p.priority ORDER BY p.priority $$;

REVOKE EXECUTE ON FUNCTION conductor_turns(timestamptz, integer, integer, integer), conductor_backlog(timestamptz)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION conductor_turns(timestamptz, integer, integer, integer), conductor_backlog(timestamptz)
    TO {APP_ROLE};
"""
NO_WORK = """
DROP FUNCTION conductor_turns(timestamptz, integer, integer, integer);
DROP FUNCTION conductor_backlog(timestamptz);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("conductor", "0007_tenant_policies"),
    ]

    operations = [
        migrations.CreateModel(
            name="Share",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=conductor.lib.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("run_limit", models.PositiveIntegerField(null=True)),
                ("served_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="Signal",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=conductor.lib.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=80)),
                ("payload", models.JSONField(default=dict)),
                ("dedup_key", models.CharField(blank=True, max_length=200)),
                ("sent_by", models.CharField(max_length=120)),
                ("sent_by_name", models.CharField(max_length=200)),
                ("sent_at", models.DateTimeField()),
                ("taken_at", models.DateTimeField(null=True)),
            ],
            options={
                "ordering": ["sent_at", "id"],
            },
        ),
        migrations.AlterModelOptions(
            name="step",
            options={"ordering": ["seq", models.OrderBy(models.F("item"), nulls_first=True)]},
        ),
        migrations.RemoveConstraint(
            model_name="step",
            name="step_unique",
        ),
        migrations.RemoveField(
            model_name="run",
            name="woken_at",
        ),
        migrations.AddField(
            model_name="run",
            name="code_digest",
            field=models.CharField(blank=True, max_length=64),
        ),
        migrations.AddField(
            model_name="run",
            name="output",
            field=models.JSONField(null=True),
        ),
        migrations.AddField(
            model_name="step",
            name="counted_from",
            field=models.PositiveSmallIntegerField(default=1),
        ),
        migrations.AddField(
            model_name="step",
            name="given",
            field=models.JSONField(null=True),
        ),
        migrations.AddField(
            model_name="step",
            name="is_group",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="step",
            name="item",
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="step",
            name="lease_epoch",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="step",
            name="lease_expires_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="step",
            name="lease_owner",
            field=models.CharField(blank=True, max_length=120),
        ),
        migrations.AddField(
            model_name="step",
            name="round",
            field=models.PositiveSmallIntegerField(default=1),
        ),
        migrations.AddField(
            model_name="step",
            name="source_digest",
            field=models.CharField(blank=True, max_length=64),
        ),
        migrations.AddField(
            model_name="step",
            name="undoes",
            field=models.PositiveSmallIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="step",
            name="wake_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="try",
            name="decisions",
            field=models.JSONField(default=list),
        ),
        migrations.AlterField(
            model_name="try",
            name="outcome",
            field=models.CharField(
                choices=[
                    ("RUNNING", "Running"),
                    ("SUCCEEDED", "Succeeded"),
                    ("FAILED", "Failed"),
                    ("WAITING", "Went to wait"),
                    ("LOST", "Worker lost"),
                    ("CANCELLED", "Cancelled"),
                ],
                default="RUNNING",
                max_length=10,
            ),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                condition=models.Q(("status", "RUNNING")),
                fields=["tenant", "priority", "lease_expires_at"],
                name="run_at_work",
            ),
        ),
        migrations.AddIndex(
            model_name="step",
            index=models.Index(
                condition=models.Q(("item__isnull", False), ("status__in", ["PENDING", "WAITING"])),
                fields=["tenant", "wake_at"],
                name="item_due",
            ),
        ),
        migrations.AddIndex(
            model_name="step",
            index=models.Index(
                condition=models.Q(("item__isnull", False), ("status", "RUNNING")),
                fields=["tenant", "lease_expires_at"],
                name="item_at_work",
            ),
        ),
        migrations.AddConstraint(
            model_name="step",
            constraint=models.UniqueConstraint(
                condition=models.Q(("item", None)), fields=("tenant", "run", "seq"), name="step_unique"
            ),
        ),
        migrations.AddConstraint(
            model_name="step",
            constraint=models.UniqueConstraint(fields=("tenant", "run", "seq", "item"), name="step_item_unique"),
        ),
        migrations.AddField(
            model_name="share",
            name="tenant",
            field=models.ForeignKey(
                editable=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="conductor.tenant"
            ),
        ),
        migrations.AddField(
            model_name="signal",
            name="run",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="signals", to="conductor.run"
            ),
        ),
        migrations.AddField(
            model_name="signal",
            name="taken_by",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="signals", to="conductor.step"
            ),
        ),
        migrations.AddField(
            model_name="signal",
            name="tenant",
            field=models.ForeignKey(
                editable=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="conductor.tenant"
            ),
        ),
        migrations.AddConstraint(
            model_name="share",
            constraint=models.UniqueConstraint(fields=("tenant",), name="share_unique"),
        ),
        migrations.AddIndex(
            model_name="signal",
            index=models.Index(fields=["tenant", "run", "name"], name="signal_run"),
        ),
        migrations.AddConstraint(
            model_name="signal",
            constraint=models.UniqueConstraint(
                condition=models.Q(("dedup_key", ""), _negated=True),
                fields=("tenant", "run", "name", "dedup_key"),
                name="signal_dedup_unique",
            ),
        ),
        *row_level_security("conductor_signal", "conductor_share"),
        migrations.RunSQL(WORK, NO_WORK),
    ]
