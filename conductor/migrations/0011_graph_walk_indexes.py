"""Indexes that a walk over live edges reads alone, and the walk itself."""

from django.db import migrations, models

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


class Migration(migrations.Migration):
    dependencies = [("conductor", "0010_incident_links")]

    operations = [
        migrations.RemoveIndex(model_name="edge", name="edge_forward"),
        migrations.RemoveIndex(model_name="edge", name="edge_backward"),
        migrations.AddIndex(
            model_name="edge",
            index=models.Index(
                fields=["tenant", "source", "kind", "target"], include=("ended_at",), name="edge_walk_forward"
            ),
        ),
        migrations.AddIndex(
            model_name="edge",
            index=models.Index(
                fields=["tenant", "target", "kind", "source"], include=("ended_at",), name="edge_walk_back"
            ),
        ),
        migrations.RunSQL(sql=DEPENDENTS, reverse_sql="DROP FUNCTION conductor_dependents(uuid[])"),
    ]
