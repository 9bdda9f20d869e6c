"""An incident may be said to have been mitigated by a run."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("conductor", "0016_prices")]

    operations = [
        migrations.AlterField(
            model_name="edge",
            name="kind",
            field=models.CharField(
                choices=[
                    ("DEPENDS_ON", "depends on"),
                    ("CONTAINS", "contains"),
                    ("AFFECTS", "affects"),
                    ("ACTED_ON", "acted on"),
                    ("EVIDENCES", "is evidence for"),
                    ("PART_OF", "is part of"),
                    ("RESPONDS_TO", "responds to"),
                    ("RELATED_TO", "is related to"),
                    ("CAUSED_BY", "is caused by"),
                    ("CHILD_OF", "is part of the larger"),
                    ("REGRESSES", "is a return of"),
                    ("DUPLICATE_OF", "is a duplicate of"),
                    ("TRACKED_IN", "is tracked in"),
                    ("MITIGATED_BY", "was mitigated by"),
                ],
                max_length=12,
            ),
        ),
    ]
