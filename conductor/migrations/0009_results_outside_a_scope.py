"""Results of tasks name tenants and quote errors: workers write them outside of any scope, inside one are none."""

from __future__ import annotations

from django.db import migrations

from conductor.tenancy.database.rls import policy

TABLES = (
    "django_celery_results_taskresult",
    "django_celery_results_groupresult",
    "django_celery_results_chordcounter",
)


class Migration(migrations.Migration):
    dependencies = [("conductor", "0008_engine"), ("django_celery_results", "0014_alter_taskresult_status")]

    operations = [each for table in TABLES for each in policy(table, "conductor_current_tenant() IS NULL")]
