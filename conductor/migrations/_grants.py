"""What the application's role may write of what all tenants share: only what is written at run time."""

from __future__ import annotations

from conductor.tenancy.database.rls import APP_ROLE

READ_ONLY = (
    "auth_permission",
    "auth_user_user_permissions",
    "django_content_type",
    "django_migrations",
    "django_celery_beat_clockedschedule",
    "django_celery_beat_solarschedule",
)
ONLY_ADDED_TO = ("conductor_policybundle", "conductor_pricebook")
NEVER_DELETED = (
    "django_celery_beat_crontabschedule",
    "django_celery_beat_intervalschedule",
    "django_celery_beat_periodictask",
    "django_celery_beat_periodictasks",
)
"""Beat, which signs in as the application, writes its rhythm there when it starts, and when a task has run."""

GRANTS = f"""
REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON {", ".join(READ_ONLY)} FROM {APP_ROLE};
REVOKE UPDATE, DELETE, TRUNCATE ON {", ".join(ONLY_ADDED_TO)} FROM {APP_ROLE};
REVOKE DELETE, TRUNCATE ON {", ".join(NEVER_DELETED)} FROM {APP_ROLE};
"""

OWNER = "pg_has_role(current_user, (SELECT relowner FROM pg_class WHERE oid = TG_RELID), 'USAGE')"
"""Whether the session may do what the table's owner does: migrations and operators' commands."""

POWERS = f"""
CREATE FUNCTION conductor_keep_powers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF ((NEW.is_superuser OR NEW.is_staff) AND TG_OP = 'INSERT'
        OR TG_OP = 'UPDATE' AND (NEW.is_superuser, NEW.is_staff) IS DISTINCT FROM (OLD.is_superuser, OLD.is_staff))
       AND NOT {OWNER} THEN
        RAISE EXCEPTION 'only the owner of the tables makes somebody superuser or staff'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER conductor_keep_powers BEFORE INSERT OR UPDATE ON auth_user
    FOR EACH ROW EXECUTE FUNCTION conductor_keep_powers();
"""

TIMETABLE = f"""
CREATE FUNCTION conductor_plain_timetable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT (NEW.args IN ('', '[]') AND NEW.kwargs IN ('', '{{}}') AND NEW.headers IN ('', '{{}}')
            AND coalesce(NEW.queue, '') = '' AND coalesce(NEW.exchange, '') = '' AND coalesce(NEW.routing_key, '') = '')
       AND NOT {OWNER} THEN
        RAISE EXCEPTION 'the timetable names tasks alone, no arguments and no queue'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER conductor_plain_timetable BEFORE INSERT OR UPDATE ON django_celery_beat_periodictask
    FOR EACH ROW EXECUTE FUNCTION conductor_plain_timetable();
"""

LARGE_OBJECTS = """
DO $$
DECLARE maker regprocedure;
BEGIN
    IF (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
        FOR maker IN SELECT oid FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace
                     AND proname IN ('lo_creat', 'lo_create', 'lo_from_bytea', 'lo_put', 'lowrite') LOOP
            EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', maker);
        END LOOP;
    ELSE
        RAISE NOTICE 'large objects are left to every role: only a superuser can take them away';
    END IF;
END $$;
"""
