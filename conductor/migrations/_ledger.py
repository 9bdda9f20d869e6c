"""What PostgreSQL holds of the ledger: receipts are numbered once, tiles grow, keys end once; nothing else changes."""

from __future__ import annotations

from conductor.tenancy.database.rls import APP_ROLE

FUNCTIONS = """
CREATE FUNCTION conductor_sequence_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.leaf_index IS NOT NULL
       OR (to_jsonb(OLD) - '{leaf_index,leaf_hash,envelope,sequenced_at}'::text[])
          IS DISTINCT FROM (to_jsonb(NEW) - '{leaf_index,leaf_hash,envelope,sequenced_at}'::text[]) THEN
        RAISE EXCEPTION 'a receipt is numbered once and never changed' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION conductor_tile_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.id, NEW.tenant_id, NEW.level, NEW.number) IS DISTINCT FROM (OLD.id, OLD.tenant_id, OLD.level, OLD.number)
       OR length(NEW.hashes) <= length(OLD.hashes) OR length(NEW.hashes) > 8192 OR length(NEW.hashes) % 32 <> 0
       OR substring(NEW.hashes FROM 1 FOR length(OLD.hashes)) <> OLD.hashes THEN
        RAISE EXCEPTION 'a tile only grows' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION conductor_key_ends() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (to_jsonb(OLD) - '{valid_to,compromised_from}'::text[])
          IS DISTINCT FROM (to_jsonb(NEW) - '{valid_to,compromised_from}'::text[])
       OR (OLD.valid_to IS NOT NULL AND NEW.valid_to IS DISTINCT FROM OLD.valid_to)
       OR (OLD.compromised_from IS NOT NULL AND NEW.compromised_from IS DISTINCT FROM OLD.compromised_from) THEN
        RAISE EXCEPTION 'a key ends once and never changes' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
"""

GUARDS = f"""
CREATE TRIGGER conductor_receipt_sequence_only BEFORE UPDATE ON conductor_receipt
    FOR EACH ROW EXECUTE FUNCTION conductor_sequence_only();
CREATE TRIGGER conductor_receipt_no_delete BEFORE DELETE ON conductor_receipt
    FOR EACH ROW EXECUTE FUNCTION conductor_refuse_change();
CREATE TRIGGER conductor_receipt_no_truncate BEFORE TRUNCATE ON conductor_receipt
    FOR EACH STATEMENT EXECUTE FUNCTION conductor_refuse_change();
REVOKE UPDATE, DELETE, TRUNCATE ON conductor_receipt FROM {APP_ROLE};
GRANT UPDATE (leaf_index, leaf_hash, envelope, sequenced_at) ON conductor_receipt TO {APP_ROLE};
CREATE TRIGGER conductor_tile_grows BEFORE UPDATE ON conductor_tile
    FOR EACH ROW EXECUTE FUNCTION conductor_tile_grows();
CREATE TRIGGER conductor_tile_no_delete BEFORE DELETE ON conductor_tile
    FOR EACH ROW EXECUTE FUNCTION conductor_refuse_change();
CREATE TRIGGER conductor_tile_no_truncate BEFORE TRUNCATE ON conductor_tile
    FOR EACH STATEMENT EXECUTE FUNCTION conductor_refuse_change();
REVOKE UPDATE, DELETE, TRUNCATE ON conductor_tile FROM {APP_ROLE};
GRANT UPDATE (hashes) ON conductor_tile TO {APP_ROLE};
ALTER TABLE conductor_tile ALTER COLUMN hashes SET STORAGE EXTERNAL;
CREATE TRIGGER conductor_signingkey_ends BEFORE UPDATE ON conductor_signingkey
    FOR EACH ROW EXECUTE FUNCTION conductor_key_ends();
CREATE TRIGGER conductor_signingkey_no_delete BEFORE DELETE ON conductor_signingkey
    FOR EACH ROW EXECUTE FUNCTION conductor_refuse_change();
CREATE TRIGGER conductor_signingkey_no_truncate BEFORE TRUNCATE ON conductor_signingkey
    FOR EACH STATEMENT EXECUTE FUNCTION conductor_refuse_change();
REVOKE UPDATE, DELETE, TRUNCATE ON conductor_signingkey FROM {APP_ROLE};
GRANT UPDATE (valid_to, compromised_from) ON conductor_signingkey TO {APP_ROLE};
"""
