"""Row-level security as migration operations: what every tenant table's migration must call."""

from __future__ import annotations

from django.db import migrations

APP_ROLE = "conductor_app"


def row_level_security(*tables: str, column: str = "tenant_id") -> list[migrations.RunSQL]:
    """Return operations that hold each table's rows to the tenant of the running transaction.

    The owner is not held (it migrates and backs up); the application's role is, for reading and writing.
    """
    return [each for table in tables for each in policy(table, f"{column} = conductor_current_tenant()")]


def people_of_the_tenant(*tables: str, column: str = "user_id") -> list[migrations.RunSQL]:
    """Return operations for tables about people, who belong to no tenant but to those that they are members of.

    Within a scope only rows about the tenant's members, present and past, are there. Without one all are, because
    signing in comes before the choice of a tenant.
    """
    members = "SELECT user_id FROM conductor_membership WHERE tenant_id = conductor_current_tenant()"
    condition = f"conductor_current_tenant() IS NULL OR {column} IN ({members})"
    return [each for table in tables for each in policy(table, condition)]


def policy(table: str, condition: str) -> list[migrations.RunSQL]:
    """Return the operation that shows the application's role only those rows of `table` that meet the condition."""
    return [
        migrations.RunSQL(
            sql=f"""
                ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
                CREATE POLICY tenant_isolation ON {table} USING ({condition}) WITH CHECK ({condition});
            """,
            reverse_sql=f"DROP POLICY tenant_isolation ON {table}; ALTER TABLE {table} DISABLE ROW LEVEL SECURITY;",
        )
    ]


def append_only(*tables: str) -> list[migrations.RunSQL]:
    """Return operations that make PostgreSQL refuse UPDATE, DELETE and TRUNCATE of each table's rows."""
    return [
        migrations.RunSQL(
            sql=f"""
                CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}
                    FOR EACH ROW EXECUTE FUNCTION conductor_refuse_change();
                CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}
                    FOR EACH STATEMENT EXECUTE FUNCTION conductor_refuse_change();
                REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM {APP_ROLE};
            """,
            reverse_sql=f"""
                DROP TRIGGER {table}_append_only ON {table};
                DROP TRIGGER {table}_no_truncate ON {table};
                GRANT UPDATE, DELETE ON {table} TO {APP_ROLE};
            """,
        )
        for table in tables
    ]
