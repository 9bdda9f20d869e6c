"""Functions that see the work of every tenant, and the walk over what depends on a resource."""

from __future__ import annotations

from conductor.tenancy.database.rls import APP_ROLE

QUEUES = f"""
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

# One statement a level inside one call. A recursive query is planned for some thirty rows, and where the planner knows
# nothing yet of a table that was imported a minute ago it takes minutes for what this does in milliseconds. EXECUTE,
# so that each level is planned for its own width. It runs as its caller: row-level security holds.
DEPENDENTS = """
CREATE FUNCTION conductor_dependents(start uuid[]) RETURNS TABLE (id uuid, level int)
LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
DECLARE
    met uuid[] := start;
    front uuid[] := start;
    depth int := 0;
BEGIN
    LOOP
        EXECUTE
            'SELECT array_agg(fresh.id) FROM (
                SELECT edge.source_id AS id FROM unnest($1) AS front(id)
                JOIN conductor_edge edge ON edge.target_id = front.id
                WHERE edge.kind = ''DEPENDS_ON'' AND edge.ended_at IS NULL
                EXCEPT SELECT unnest($2)) AS fresh'
            INTO front USING front, met;
        EXIT WHEN front IS NULL;
        depth := depth + 1;
        met := met || front;
        RETURN QUERY SELECT unnest(front), depth;
    END LOOP;
END
$$;
"""
