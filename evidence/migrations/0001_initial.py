import conductor.lib.ids
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('conductor', '0001_initial'),
        ('controls', '0001_initial'),
        ('incidents', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='EvidenceBundle',
            fields=[
                ('id', models.UUIDField(default=conductor.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('number', models.PositiveBigIntegerField()),
                ('title', models.CharField(max_length=200)),
                ('purpose', models.TextField(blank=True)),
                ('status', models.CharField(choices=[('DRAFT', 'Draft'), ('COLLECTING', 'Collecting'), ('SEALED', 'Sealed'), ('ABANDONED', 'Abandoned')], default='DRAFT', max_length=10)),
                ('conclusion', models.CharField(blank=True, choices=[('NO_EXCEPTIONS', 'No exceptions found'), ('EXCEPTIONS', 'Exceptions found'), ('INCONCLUSIVE', 'Inconclusive')], max_length=14)),
                ('findings', models.JSONField(default=list)),
                ('superseded_findings', models.JSONField(default=list)),
                ('effective_from', models.DateTimeField()),
                ('effective_to', models.DateTimeField(null=True)),
                ('opened_by', models.CharField(max_length=120)),
                ('opened_by_name', models.CharField(max_length=200)),
                ('opened_at', models.DateTimeField()),
                ('manifest', models.JSONField(null=True)),
                ('manifest_digest', models.CharField(blank=True, max_length=64)),
                ('sealed_at', models.DateTimeField(null=True)),
                ('sealed_by_name', models.CharField(blank=True, max_length=200)),
                ('seal_receipt_id', models.UUIDField(null=True)),
                ('decision_id', models.UUIDField(null=True)),
                ('retain_until', models.DateField(null=True)),
                ('idempotency_key', models.CharField(blank=True, max_length=160)),
                ('environment', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='conductor.environment')),
                ('incident', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='incidents.incident')),
                ('run', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='conductor.run')),
                ('supersedes', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='successors', to='evidence.evidencebundle')),
                ('tenant', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='conductor.tenant')),
            ],
        ),
        migrations.CreateModel(
            name='BundleControl',
            fields=[
                ('id', models.UUIDField(default=conductor.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('part', models.CharField(max_length=10)),
                ('control', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='controls.control')),
                ('tenant', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='conductor.tenant')),
                ('bundle', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='covers', to='evidence.evidencebundle')),
            ],
        ),
        migrations.CreateModel(
            name='Artifact',
            fields=[
                ('id', models.UUIDField(default=conductor.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('path', models.CharField(max_length=200)),
                ('original_name', models.CharField(blank=True, default='', max_length=200)),
                ('stated_digest', models.CharField(blank=True, default='', max_length=64)),
                ('role', models.CharField(max_length=20)),
                ('media_type', models.CharField(max_length=100)),
                ('digest', models.CharField(max_length=64)),
                ('size_bytes', models.PositiveBigIntegerField()),
                ('uri', models.CharField(max_length=200)),
                ('origin', models.CharField(blank=True, max_length=300)),
                ('collected_by', models.CharField(max_length=120)),
                ('collected_by_name', models.CharField(max_length=200)),
                ('collected_at', models.DateTimeField()),
                ('idempotency_key', models.CharField(blank=True, max_length=160)),
                ('tenant', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='conductor.tenant')),
                ('bundle', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='artifacts', to='evidence.evidencebundle')),
            ],
            options={
                'ordering': ['path'],
            },
        ),
        migrations.CreateModel(
            name='Pack',
            fields=[
                ('id', models.UUIDField(default=conductor.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('number', models.PositiveSmallIntegerField()),
                ('status', models.CharField(choices=[('RENDERING', 'Rendering'), ('READY', 'Ready'), ('FAILED', 'Failed')], default='RENDERING', max_length=10)),
                ('pdf_digest', models.CharField(blank=True, max_length=64)),
                ('pdf_size_bytes', models.PositiveBigIntegerField(null=True)),
                ('zip_digest', models.CharField(blank=True, max_length=64)),
                ('zip_size_bytes', models.PositiveBigIntegerField(null=True)),
                ('inputs', models.JSONField(default=dict)),
                ('files', models.JSONField(default=list)),
                ('receipt_id', models.UUIDField(null=True)),
                ('verdict', models.JSONField(null=True)),
                ('error', models.CharField(blank=True, max_length=500)),
                ('idempotency_key', models.CharField(blank=True, max_length=160)),
                ('requested_by_name', models.CharField(max_length=200)),
                ('requested_at', models.DateTimeField()),
                ('ready_at', models.DateTimeField(null=True)),
                ('bundle', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='packs', to='evidence.evidencebundle')),
                ('run', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='conductor.run')),
                ('tenant', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='conductor.tenant')),
            ],
        ),
        migrations.AddIndex(
            model_name='evidencebundle',
            index=models.Index(fields=['tenant', '-opened_at'], name='bundle_opened'),
        ),
        migrations.AddIndex(
            model_name='evidencebundle',
            index=models.Index(fields=['tenant', 'run'], name='bundle_run'),
        ),
        migrations.AddIndex(
            model_name='evidencebundle',
            index=models.Index(fields=['tenant', 'incident'], name='bundle_incident'),
        ),
        migrations.AddConstraint(
            model_name='evidencebundle',
            constraint=models.UniqueConstraint(fields=('tenant', 'number'), name='bundle_number_unique'),
        ),
        migrations.AddConstraint(
            model_name='evidencebundle',
            constraint=models.UniqueConstraint(condition=models.Q(('idempotency_key', ''), _negated=True), fields=('tenant', 'idempotency_key'), name='bundle_once'),
        ),
        migrations.AddConstraint(
            model_name='evidencebundle',
            constraint=models.UniqueConstraint(condition=models.Q(('supersedes__isnull', False), models.Q(('status', 'ABANDONED'), _negated=True)), fields=('tenant', 'supersedes'), name='bundle_superseded_once'),
        ),
        migrations.AddConstraint(
            model_name='evidencebundle',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['DRAFT', 'COLLECTING', 'SEALED', 'ABANDONED'])), name='bundle_status_known'),
        ),
        migrations.AddConstraint(
            model_name='evidencebundle',
            constraint=models.CheckConstraint(condition=models.Q(('effective_to__isnull', True), ('effective_to__gte', models.F('effective_from')), _connector='OR'), name='bundle_period_forward'),
        ),
        migrations.AddConstraint(
            model_name='evidencebundle',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status', 'SEALED'), _negated=True), models.Q(('manifest__isnull', False), ('seal_receipt_id__isnull', False), ('sealed_at__isnull', False), models.Q(('manifest_digest', ''), _negated=True), models.Q(('conclusion', ''), _negated=True)), _connector='OR'), name='bundle_sealed_whole'),
        ),
        migrations.AddIndex(
            model_name='bundlecontrol',
            index=models.Index(fields=['tenant', 'control'], name='bundle_control_control'),
        ),
        migrations.AddConstraint(
            model_name='bundlecontrol',
            constraint=models.UniqueConstraint(fields=('tenant', 'bundle', 'control'), name='bundle_control_unique'),
        ),
        migrations.AddConstraint(
            model_name='bundlecontrol',
            constraint=models.CheckConstraint(condition=models.Q(('part__in', ['PRIMARY', 'SUPPORTING'])), name='bundle_control_part_known'),
        ),
        migrations.AddIndex(
            model_name='artifact',
            index=models.Index(fields=['tenant', 'digest'], name='artifact_digest'),
        ),
        migrations.AddConstraint(
            model_name='artifact',
            constraint=models.UniqueConstraint(fields=('tenant', 'bundle', 'path'), name='artifact_path_unique'),
        ),
        migrations.AddConstraint(
            model_name='pack',
            constraint=models.UniqueConstraint(fields=('tenant', 'bundle', 'number'), name='pack_number_unique'),
        ),
        migrations.AddConstraint(
            model_name='pack',
            constraint=models.UniqueConstraint(condition=models.Q(('idempotency_key', ''), _negated=True), fields=('tenant', 'idempotency_key'), name='pack_once'),
        ),
        migrations.AddConstraint(
            model_name='pack',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status', 'READY'), _negated=True), models.Q(('ready_at__isnull', False), ('verdict__isnull', False), models.Q(('pdf_digest', ''), _negated=True), models.Q(('zip_digest', ''), _negated=True)), _connector='OR'), name='pack_ready_whole'),
        ),
    ]
