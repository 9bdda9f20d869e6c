import conductor.lib.ids
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('conductor', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Framework',
            fields=[
                ('key', models.CharField(max_length=40, primary_key=True, serialize=False)),
                ('alias', models.CharField(max_length=40, unique=True)),
                ('name', models.CharField(max_length=80)),
                ('release', models.CharField(max_length=40)),
                ('authority', models.CharField(max_length=80)),
                ('terms', models.CharField(choices=[('OPEN', "Titles are the framework's own"), ('IDS_ONLY', "Only identifiers are the framework's; labels are ours")], max_length=8)),
                ('source', models.CharField(max_length=300)),
                ('content_digest', models.CharField(max_length=64)),
            ],
        ),
        migrations.CreateModel(
            name='Control',
            fields=[
                ('id', models.UUIDField(default=conductor.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('code', models.CharField(max_length=40)),
                ('key', models.CharField(max_length=80, unique=True)),
                ('alias', models.CharField(max_length=80, unique=True)),
                ('label', models.CharField(max_length=200)),
                ('group', models.CharField(max_length=40)),
                ('group_label', models.CharField(max_length=120)),
                ('position', models.PositiveIntegerField()),
                ('is_withdrawn', models.BooleanField(default=False)),
                ('framework', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='controls', to='controls.framework')),
            ],
            options={
                'ordering': ['framework_id', 'position'],
            },
        ),
        migrations.CreateModel(
            name='WorkflowBinding',
            fields=[
                ('id', models.UUIDField(default=conductor.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('workflow', models.CharField(max_length=80)),
                ('part', models.CharField(choices=[('PRIMARY', 'Primary'), ('SUPPORTING', 'Supporting')], max_length=10)),
                ('frequency_days', models.PositiveIntegerField(default=90)),
                ('valid_from', models.DateTimeField()),
                ('valid_to', models.DateTimeField(blank=True, null=True)),
                ('control', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='controls.control')),
                ('environment', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='conductor.environment')),
                ('tenant', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='conductor.tenant')),
            ],
        ),
        migrations.CreateModel(
            name='ControlMapping',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('relationship', models.CharField(choices=[('EQUAL', 'equal to'), ('SUBSET', 'subset of'), ('SUPERSET', 'superset of'), ('INTERSECTS', 'intersects with')], max_length=10)),
                ('authority', models.CharField(max_length=80)),
                ('source', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='mappings_out', to='controls.control')),
                ('target', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='mappings_in', to='controls.control')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('source', 'target', 'authority'), name='control_mapping_unique')],
            },
        ),
        migrations.AddConstraint(
            model_name='control',
            constraint=models.UniqueConstraint(fields=('framework', 'code'), name='control_code_unique'),
        ),
        migrations.AddConstraint(
            model_name='workflowbinding',
            constraint=models.UniqueConstraint(condition=models.Q(('valid_to__isnull', True)), fields=('tenant', 'control', 'workflow'), name='binding_live_unique'),
        ),
        migrations.AddConstraint(
            model_name='workflowbinding',
            constraint=models.CheckConstraint(condition=models.Q(('part__in', ['PRIMARY', 'SUPPORTING'])), name='binding_part_known'),
        ),
        migrations.AddConstraint(
            model_name='workflowbinding',
            constraint=models.CheckConstraint(condition=models.Q(('frequency_days__gte', 1)), name='binding_frequency_positive'),
        ),
    ]
