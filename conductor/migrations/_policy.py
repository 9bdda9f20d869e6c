"""What PostgreSQL holds of a tenant's own rules: their state moves forward, their text never changes."""

from __future__ import annotations

from conductor.tenancy.database.rls import APP_ROLE

GUARDS = f"""
CREATE FUNCTION conductor_policy_state_only() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    moving text[] := '{{state,activated_at,activated_by,activated_by_name,retired_at,retired_by,retired_by_name,'
                     'retired_reason}}';
BEGIN
    IF OLD.state = 'RETIRED' OR (to_jsonb(OLD) - moving) IS DISTINCT FROM (to_jsonb(NEW) - moving)
       OR (NEW.state = 'DRAFT') OR (OLD.state = 'ACTIVE' AND NEW.state = 'ACTIVE') THEN
        RAISE EXCEPTION 'rules of a tenant are never changed: upload a new version'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER conductor_tenantpolicy_state_only BEFORE UPDATE ON conductor_tenantpolicy
    FOR EACH ROW EXECUTE FUNCTION conductor_policy_state_only();
CREATE TRIGGER conductor_tenantpolicy_no_delete BEFORE DELETE ON conductor_tenantpolicy
    FOR EACH ROW EXECUTE FUNCTION conductor_refuse_change();
CREATE TRIGGER conductor_tenantpolicy_no_truncate BEFORE TRUNCATE ON conductor_tenantpolicy
    FOR EACH STATEMENT EXECUTE FUNCTION conductor_refuse_change();
REVOKE DELETE, TRUNCATE ON conductor_tenantpolicy FROM {APP_ROLE};
"""
