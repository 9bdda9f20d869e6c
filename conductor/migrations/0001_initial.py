import conductor.lib.ids
import django.db.models.deletion
import django.db.models.manager
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Environment',
            fields=[
                ('id', models.UUIDField(default=conductor.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('slug', models.SlugField(max_length=40)),
                ('name', models.CharField(max_length=80)),
                ('kind', models.CharField(choices=[('PRODUCTION', 'Production'), ('STAGING', 'Staging'), ('DEVELOPMENT', 'Development')], max_length=12)),
            ],
        ),
        migrations.CreateModel(
            name='PolicyBundle',
            fields=[
                ('digest', models.CharField(max_length=64, primary_key=True, serialize=False)),
                ('files', models.JSONField()),
                ('loaded_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='Tenant',
            fields=[
                ('id', models.UUIDField(default=conductor.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('slug', models.SlugField(max_length=40, unique=True)),
                ('name', models.CharField(max_length=120)),
                ('created_at', models.DateTimeField()),
                ('second_step_from', models.DateTimeField(null=True)),
                ('is_staged', models.BooleanField(default=False)),
            ],
            options={
                'permissions': [('view_incidents', 'Read incidents, their timelines and the resource graph'), ('respond', 'Declare incidents, acknowledge them, post updates and move their status'), ('command', 'Assign roles and resolve the most severe incidents'), ('override_guards', 'Move an incident past unmet guards, with a reason'), ('configure_response', 'Change the response policy and its reporting rules'), ('view_private', 'Read private incidents'), ('decide_reporting', 'Decide and sign whether an incident is reported to authorities or customers'), ('view_evidence', 'Read evidence bundles, packs and receipts'), ('collect_evidence', 'Open evidence bundles and attach artifacts'), ('seal_evidence', 'Seal evidence bundles'), ('view_controls', 'Read the control catalogue and its coverage'), ('run_controls', 'Start control workflows'), ('view_runs', 'Read workflow runs'), ('operate_runs', 'Cancel and retry workflow runs, decide their waits'), ('edit_graph', 'Import resources and dependencies'), ('manage_policies', "Upload, simulate and retire rules of the organisation's own"), ('activate_policies', 'Put rules in force that somebody else uploaded'), ('manage_adapters', 'Configure adapters and their secrets'), ('manage_members', 'Invite members and issue API tokens')],
            },
        ),
        migrations.CreateModel(
            name='Membership',
            fields=[
                ('id', models.UUIDField(default=conductor.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('role', models.CharField(choices=[('RESPONDER', 'Responder'), ('COMMANDER', 'Commander'), ('AUDITOR', 'Auditor'), ('ADMIN', 'Admin')], max_length=12)),
                ('created_at', models.DateTimeField()),
                ('removed_at', models.DateTimeField(null=True)),
                ('given_by_groups', models.BooleanField(default=False, editable=False)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('tenant', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='conductor.tenant')),
            ],
            options={
                'base_manager_name': 'ever',
            },
            managers=[
                ('objects', django.db.models.manager.Manager()),
                ('ever', django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name='Node',
            fields=[
                ('id', models.UUIDField(default=conductor.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(max_length=40)),
                ('key', models.CharField(max_length=200)),
                ('name', models.CharField(max_length=200)),
                ('attributes', models.JSONField(default=dict)),
                ('ref', models.CharField(blank=True, max_length=120)),
                ('updated_at', models.DateTimeField()),
                ('environment', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='conductor.environment')),
                ('tenant', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='conductor.tenant')),
            ],
        ),
        migrations.CreateModel(
            name='PriceBook',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('meter', models.CharField(max_length=60)),
                ('unit_price', models.DecimalField(decimal_places=15, max_digits=24)),
                ('currency', models.CharField(default='USD', max_length=3)),
                ('valid_from', models.DateTimeField()),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('meter', 'valid_from'), name='price_unique'), models.CheckConstraint(condition=models.Q(('unit_price__gte', 0)), name='price_not_negative')],
            },
        ),
        migrations.CreateModel(
            name='Run',
            fields=[
                ('id', models.UUIDField(default=conductor.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('number', models.PositiveBigIntegerField()),
                ('workflow', models.CharField(max_length=80)),
                ('workflow_version', models.PositiveIntegerField()),
                ('workflow_digest', models.CharField(max_length=64)),
                ('code_digest', models.CharField(blank=True, max_length=64)),
                ('title', models.CharField(max_length=200)),
                ('status', models.CharField(choices=[('QUEUED', 'Queued'), ('RUNNING', 'Running'), ('WAITING', 'Waiting'), ('SUCCEEDED', 'Succeeded'), ('FAILED', 'Failed'), ('CANCELLED', 'Cancelled')], default='QUEUED', max_length=10)),
                ('priority', models.PositiveSmallIntegerField(choices=[(10, 'Incident'), (20, 'Compliance')], default=20)),
                ('input', models.JSONField(default=dict)),
                ('output', models.JSONField(null=True)),
                ('subject', models.CharField(blank=True, max_length=120)),
                ('dedup_key', models.CharField(blank=True, max_length=200)),
                ('started_by', models.CharField(max_length=120)),
                ('started_by_name', models.CharField(max_length=200)),
                ('started_proof', models.JSONField(null=True)),
                ('error', models.JSONField(null=True)),
                ('lease_owner', models.CharField(blank=True, max_length=120)),
                ('lease_expires_at', models.DateTimeField(null=True)),
                ('lease_epoch', models.PositiveIntegerField(default=0)),
                ('wake_at', models.DateTimeField(null=True)),
                ('created_at', models.DateTimeField()),
                ('started_at', models.DateTimeField(null=True)),
                ('finished_at', models.DateTimeField(null=True)),
                ('environment', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='conductor.environment')),
                ('tenant', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='conductor.tenant')),
            ],
        ),
        migrations.CreateModel(
            name='SigningKey',
            fields=[
                ('id', models.UUIDField(default=conductor.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('purpose', models.CharField(choices=[('SEAL', 'Seal'), ('LOG', 'Log')], max_length=4)),
                ('fingerprint_digest', models.CharField(max_length=64)),
                ('public_key', models.TextField()),
                ('number', models.PositiveSmallIntegerField()),
                ('valid_from', models.DateTimeField(null=True)),
                ('valid_to', models.DateTimeField(null=True)),
                ('compromised_from', models.DateTimeField(null=True)),
                ('endorsement', models.JSONField(null=True)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('purpose', 'fingerprint_digest'), name='signing_key_once'), models.UniqueConstraint(fields=('purpose', 'number'), name='signing_key_in_order'), models.UniqueConstraint(condition=models.Q(('valid_to__isnull', True)), fields=('purpose',), name='signing_key_one'), models.CheckConstraint(condition=models.Q(models.Q(('endorsement__isnull', True), ('number', 1), ('valid_from__isnull', True)), models.Q(('endorsement__isnull', False), ('number__gt', 1), ('valid_from__isnull', False)), _connector='OR'), name='signing_key_endorsed'), models.CheckConstraint(condition=models.Q(('valid_to__isnull', True), ('valid_from__isnull', True), ('valid_to__gte', models.F('valid_from')), _connector='OR'), name='signing_key_window')],
            },
        ),
        migrations.CreateModel(
            name='SignInLink',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('nonce', models.CharField(max_length=32, unique=True)),
                ('expires_at', models.DateTimeField()),
                ('used_at', models.DateTimeField(null=True)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='Step',
            fields=[
                ('id', models.UUIDField(default=conductor.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('seq', models.PositiveSmallIntegerField()),
                ('name', models.CharField(max_length=80)),
                ('is_cleanup', models.BooleanField(default=False)),
                ('undoes', models.PositiveSmallIntegerField(null=True)),
                ('is_group', models.BooleanField(default=False)),
                ('item', models.PositiveIntegerField(null=True)),
                ('given', models.JSONField(null=True)),
                ('status', models.CharField(choices=[('PENDING', 'Pending'), ('RUNNING', 'Running'), ('WAITING', 'Waiting'), ('SUCCEEDED', 'Succeeded'), ('FAILED', 'Failed'), ('SKIPPED', 'Skipped')], default='PENDING', max_length=10)),
                ('output', models.JSONField(null=True)),
                ('error', models.JSONField(null=True)),
                ('wait', models.JSONField(null=True)),
                ('round', models.PositiveSmallIntegerField(default=1)),
                ('counted_from', models.PositiveSmallIntegerField(default=1)),
                ('source_digest', models.CharField(blank=True, max_length=64)),
                ('lease_owner', models.CharField(blank=True, max_length=120)),
                ('lease_expires_at', models.DateTimeField(null=True)),
                ('lease_epoch', models.PositiveIntegerField(default=0)),
                ('wake_at', models.DateTimeField(null=True)),
                ('started_at', models.DateTimeField(null=True)),
                ('finished_at', models.DateTimeField(null=True)),
                ('run', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='steps', to='conductor.run')),
                ('tenant', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='conductor.tenant')),
            ],
            options={
                'ordering': ['seq', models.OrderBy(models.F('item'), nulls_first=True)],
            },
        ),
        migrations.CreateModel(
            name='Signal',
            fields=[
                ('id', models.UUIDField(default=conductor.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=80)),
                ('payload', models.JSONField(default=dict)),
                ('dedup_key', models.CharField(blank=True, max_length=200)),
                ('sent_by', models.CharField(max_length=120)),
                ('sent_by_name', models.CharField(max_length=200)),
                ('sent_at', models.DateTimeField()),
                ('taken_at', models.DateTimeField(null=True)),
                ('run', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='signals', to='conductor.run')),
                ('taken_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='signals', to='conductor.step')),
                ('tenant', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='conductor.tenant')),
            ],
            options={
                'ordering': ['sent_at', 'id'],
            },
        ),
        migrations.CreateModel(
            name='Share',
            fields=[
                ('id', models.UUIDField(default=conductor.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('run_limit', models.PositiveIntegerField(null=True)),
                ('served_at', models.DateTimeField(null=True)),
                ('tenant', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='conductor.tenant')),
            ],
        ),
        migrations.CreateModel(
            name='Receipt',
            fields=[
                ('id', models.UUIDField(default=conductor.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('action', models.CharField(max_length=80)),
                ('subject', models.CharField(max_length=120)),
                ('subject_name', models.CharField(max_length=200)),
                ('actor', models.CharField(max_length=120)),
                ('actor_name', models.CharField(max_length=200)),
                ('authentication', models.JSONField(null=True)),
                ('occurred_at', models.DateTimeField()),
                ('recorded_at', models.DateTimeField()),
                ('body', models.JSONField(default=dict)),
                ('subjects', models.JSONField(default=list)),
                ('links', models.JSONField(default=list)),
                ('body_digest', models.CharField(max_length=64)),
                ('leaf_index', models.PositiveBigIntegerField(null=True)),
                ('leaf_hash', models.CharField(max_length=64, null=True)),
                ('envelope', models.JSONField(null=True)),
                ('sequenced_at', models.DateTimeField(null=True)),
                ('tenant', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='conductor.tenant')),
            ],
        ),
        migrations.CreateModel(
            name='PolicySimulation',
            fields=[
                ('id', models.UUIDField(default=conductor.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('number', models.PositiveBigIntegerField()),
                ('title', models.CharField(max_length=200)),
                ('candidate', models.JSONField()),
                ('candidate_digest', models.CharField(max_length=64)),
                ('selection', models.JSONField()),
                ('run', models.CharField(blank=True, max_length=120)),
                ('total', models.PositiveIntegerField()),
                ('done', models.PositiveIntegerField(default=0)),
                ('cursor', models.CharField(blank=True, max_length=40)),
                ('result', models.JSONField(default=dict)),
                ('started_by', models.CharField(max_length=120)),
                ('started_by_name', models.CharField(max_length=200)),
                ('created_at', models.DateTimeField()),
                ('finished_at', models.DateTimeField(null=True)),
                ('tenant', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='conductor.tenant')),
            ],
        ),
        migrations.CreateModel(
            name='PolicyDecision',
            fields=[
                ('id', models.UUIDField(default=conductor.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('action', models.CharField(max_length=80)),
                ('allow', models.BooleanField()),
                ('reasons', models.JSONField(default=list)),
                ('input', models.JSONField()),
                ('input_digest', models.CharField(max_length=64)),
                ('bundle_digest', models.CharField(max_length=64)),
                ('tenant_digest', models.CharField(blank=True, default='', max_length=64)),
                ('tenant_policies', models.JSONField(default=list)),
                ('data_digest', models.CharField(blank=True, default='', max_length=64)),
                ('path', models.CharField(max_length=120)),
                ('engine', models.CharField(max_length=40)),
                ('engine_version', models.CharField(max_length=40)),
                ('duration_us', models.PositiveIntegerField(help_text='Evaluation time in microseconds')),
                ('decided_at', models.DateTimeField()),
                ('actor', models.CharField(max_length=120)),
                ('subject', models.CharField(blank=True, max_length=120)),
                ('tenant', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='conductor.tenant')),
            ],
        ),
        migrations.CreateModel(
            name='NumberSeries',
            fields=[
                ('id', models.UUIDField(default=conductor.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('series', models.CharField(max_length=40)),
                ('last', models.PositiveBigIntegerField(default=0)),
                ('tenant', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='conductor.tenant')),
            ],
        ),
        migrations.CreateModel(
            name='MeterEvent',
            fields=[
                ('id', models.UUIDField(default=conductor.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('meter', models.CharField(max_length=60)),
                ('quantity', models.DecimalField(decimal_places=6, max_digits=20)),
                ('subject', models.CharField(blank=True, max_length=120)),
                ('key', models.CharField(max_length=120)),
                ('at', models.DateTimeField()),
                ('tenant', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='conductor.tenant')),
            ],
        ),
        migrations.CreateModel(
            name='Invitation',
            fields=[
                ('id', models.UUIDField(default=conductor.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('email', models.EmailField(max_length=254)),
                ('role', models.CharField(choices=[('RESPONDER', 'Responder'), ('COMMANDER', 'Commander'), ('AUDITOR', 'Auditor'), ('ADMIN', 'Admin')], max_length=12)),
                ('digest', models.CharField(editable=False, max_length=64)),
                ('invited_by', models.CharField(max_length=120)),
                ('invited_by_name', models.CharField(max_length=200)),
                ('created_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField()),
                ('sent_at', models.DateTimeField(null=True)),
                ('accepted_at', models.DateTimeField(null=True)),
                ('revoked_at', models.DateTimeField(null=True)),
                ('membership', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='conductor.membership')),
                ('tenant', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='conductor.tenant')),
            ],
        ),
        migrations.CreateModel(
            name='IdempotentResponse',
            fields=[
                ('id', models.UUIDField(default=conductor.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('actor', models.CharField(max_length=120)),
                ('key', models.CharField(max_length=200)),
                ('request_digest', models.CharField(max_length=64)),
                ('status', models.PositiveSmallIntegerField(null=True)),
                ('answer', models.JSONField(default=dict)),
                ('permissions', models.JSONField(default=list)),
                ('created_at', models.DateTimeField()),
                ('tenant', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='conductor.tenant')),
            ],
        ),
        migrations.AddField(
            model_name='environment',
            name='tenant',
            field=models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='conductor.tenant'),
        ),
        migrations.CreateModel(
            name='Edge',
            fields=[
                ('id', models.UUIDField(default=conductor.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('DEPENDS_ON', 'depends on'), ('CONTAINS', 'contains'), ('AFFECTS', 'affects'), ('ACTED_ON', 'acted on'), ('EVIDENCES', 'is evidence for'), ('PART_OF', 'is part of'), ('RESPONDS_TO', 'responds to'), ('RELATED_TO', 'is related to'), ('CAUSED_BY', 'is caused by'), ('CHILD_OF', 'is part of the larger'), ('REGRESSES', 'is a return of'), ('DUPLICATE_OF', 'is a duplicate of'), ('TRACKED_IN', 'is tracked in'), ('MITIGATED_BY', 'was mitigated by')], max_length=12)),
                ('asserted_by', models.CharField(max_length=120)),
                ('since', models.DateTimeField()),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('source', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='outgoing', to='conductor.node')),
                ('target', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='incoming', to='conductor.node')),
                ('tenant', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='conductor.tenant')),
            ],
        ),
        migrations.CreateModel(
            name='Checkpoint',
            fields=[
                ('id', models.UUIDField(default=conductor.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('tree_size', models.PositiveBigIntegerField()),
                ('root_hash', models.CharField(max_length=64)),
                ('frontier', models.JSONField()),
                ('note', models.TextField()),
                ('created_at', models.DateTimeField()),
                ('tenant', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='conductor.tenant')),
            ],
        ),
        migrations.CreateModel(
            name='ApiToken',
            fields=[
                ('id', models.UUIDField(default=conductor.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=80)),
                ('digest', models.CharField(editable=False, max_length=64)),
                ('prefix', models.CharField(blank=True, editable=False, max_length=6)),
                ('scopes', models.JSONField(default=list)),
                ('expires_at', models.DateTimeField()),
                ('revoked_at', models.DateTimeField(blank=True, null=True)),
                ('last_used_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('created_at', models.DateTimeField()),
                ('membership', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='conductor.membership')),
                ('tenant', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='conductor.tenant')),
            ],
        ),
        migrations.CreateModel(
            name='TenantPolicy',
            fields=[
                ('id', models.UUIDField(default=conductor.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=40)),
                ('version', models.PositiveIntegerField()),
                ('purpose', models.CharField(max_length=200)),
                ('rego', models.TextField()),
                ('data', models.JSONField(default=dict)),
                ('digest', models.CharField(max_length=64)),
                ('state', models.CharField(choices=[('DRAFT', 'Draft'), ('ACTIVE', 'Active'), ('RETIRED', 'Retired')], default='DRAFT', max_length=8)),
                ('uploaded_at', models.DateTimeField()),
                ('uploaded_by', models.CharField(max_length=120)),
                ('uploaded_by_name', models.CharField(max_length=200)),
                ('activated_at', models.DateTimeField(null=True)),
                ('activated_by', models.CharField(blank=True, max_length=120)),
                ('activated_by_name', models.CharField(blank=True, max_length=200)),
                ('retired_at', models.DateTimeField(null=True)),
                ('retired_by', models.CharField(blank=True, max_length=120)),
                ('retired_by_name', models.CharField(blank=True, max_length=200)),
                ('retired_reason', models.CharField(blank=True, max_length=400)),
                ('tenant', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='conductor.tenant')),
            ],
        ),
        migrations.CreateModel(
            name='Tile',
            fields=[
                ('id', models.UUIDField(default=conductor.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('level', models.PositiveSmallIntegerField()),
                ('number', models.PositiveBigIntegerField()),
                ('hashes', models.BinaryField()),
                ('tenant', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='conductor.tenant')),
            ],
        ),
        migrations.CreateModel(
            name='Try',
            fields=[
                ('id', models.UUIDField(default=conductor.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('number', models.PositiveSmallIntegerField()),
                ('worker', models.CharField(max_length=120)),
                ('outcome', models.CharField(choices=[('RUNNING', 'Running'), ('SUCCEEDED', 'Succeeded'), ('FAILED', 'Failed'), ('WAITING', 'Went to wait'), ('LOST', 'Worker lost'), ('CANCELLED', 'Cancelled')], default='RUNNING', max_length=10)),
                ('error', models.CharField(blank=True, max_length=2000)),
                ('log', models.JSONField(default=list)),
                ('decisions', models.JSONField(default=list)),
                ('started_at', models.DateTimeField()),
                ('finished_at', models.DateTimeField(null=True)),
                ('step', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='tries', to='conductor.step')),
                ('tenant', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='conductor.tenant')),
            ],
            options={
                'ordering': ['number'],
            },
        ),
        migrations.AddIndex(
            model_name='step',
            index=models.Index(condition=models.Q(('item__isnull', False), ('status__in', ['PENDING', 'WAITING'])), fields=['tenant', 'wake_at'], name='item_due'),
        ),
        migrations.AddIndex(
            model_name='step',
            index=models.Index(condition=models.Q(('item__isnull', False), ('status', 'RUNNING')), fields=['tenant', 'lease_expires_at'], name='item_at_work'),
        ),
        migrations.AddConstraint(
            model_name='step',
            constraint=models.UniqueConstraint(condition=models.Q(('item', None)), fields=('tenant', 'run', 'seq'), name='step_unique'),
        ),
        migrations.AddConstraint(
            model_name='step',
            constraint=models.UniqueConstraint(fields=('tenant', 'run', 'seq', 'item'), name='step_item_unique'),
        ),
        migrations.AddConstraint(
            model_name='step',
            constraint=models.CheckConstraint(condition=models.Q(('output__isnull', True), ('error__isnull', True), _connector='OR'), name='step_output_or_error'),
        ),
        migrations.AddIndex(
            model_name='signal',
            index=models.Index(fields=['tenant', 'run', 'name'], name='signal_run'),
        ),
        migrations.AddConstraint(
            model_name='signal',
            constraint=models.UniqueConstraint(condition=models.Q(('dedup_key', ''), _negated=True), fields=('tenant', 'run', 'name', 'dedup_key'), name='signal_dedup_unique'),
        ),
        migrations.AddConstraint(
            model_name='share',
            constraint=models.UniqueConstraint(fields=('tenant',), name='share_unique'),
        ),
        migrations.AddIndex(
            model_name='run',
            index=models.Index(condition=models.Q(('status__in', ['QUEUED', 'WAITING', 'RUNNING'])), fields=['tenant', 'priority', 'wake_at'], name='run_due'),
        ),
        migrations.AddIndex(
            model_name='run',
            index=models.Index(condition=models.Q(('status', 'RUNNING')), fields=['tenant', 'priority', 'lease_expires_at'], name='run_at_work'),
        ),
        migrations.AddIndex(
            model_name='run',
            index=models.Index(fields=['tenant', 'subject'], name='run_subject'),
        ),
        migrations.AddConstraint(
            model_name='run',
            constraint=models.UniqueConstraint(fields=('tenant', 'number'), name='run_number_unique'),
        ),
        migrations.AddConstraint(
            model_name='run',
            constraint=models.UniqueConstraint(condition=models.Q(('dedup_key', ''), _negated=True), fields=('tenant', 'workflow', 'dedup_key'), name='run_dedup_unique'),
        ),
        migrations.AddConstraint(
            model_name='run',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['QUEUED', 'RUNNING', 'WAITING', 'SUCCEEDED', 'FAILED', 'CANCELLED'])), name='run_status_known'),
        ),
        migrations.AddIndex(
            model_name='receipt',
            index=models.Index(fields=['tenant', 'subject', 'recorded_at'], name='receipt_subject'),
        ),
        migrations.AddIndex(
            model_name='receipt',
            index=models.Index(condition=models.Q(('leaf_index__isnull', True)), fields=['tenant', 'recorded_at'], name='receipt_pending'),
        ),
        migrations.AddConstraint(
            model_name='receipt',
            constraint=models.UniqueConstraint(fields=('tenant', 'leaf_index'), name='receipt_leaf_unique'),
        ),
        migrations.AddConstraint(
            model_name='receipt',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('envelope__isnull', True), ('leaf_hash__isnull', True), ('leaf_index__isnull', True), ('sequenced_at__isnull', True)), models.Q(('envelope__isnull', False), ('leaf_hash__isnull', False), ('leaf_index__isnull', False), ('sequenced_at__isnull', False)), _connector='OR'), name='receipt_sequenced_whole'),
        ),
        migrations.AddConstraint(
            model_name='policysimulation',
            constraint=models.UniqueConstraint(fields=('tenant', 'number'), name='policy_simulation_number_unique'),
        ),
        migrations.AddConstraint(
            model_name='policysimulation',
            constraint=models.CheckConstraint(condition=models.Q(('done__lte', models.F('total'))), name='policy_simulation_done_within'),
        ),
        migrations.AddIndex(
            model_name='policydecision',
            index=models.Index(fields=['tenant', 'subject', 'decided_at'], name='decision_subject'),
        ),
        migrations.AddIndex(
            model_name='policydecision',
            index=models.Index(fields=['tenant', 'decided_at'], name='decision_time'),
        ),
        migrations.AddConstraint(
            model_name='numberseries',
            constraint=models.UniqueConstraint(fields=('tenant', 'series'), name='number_series_unique'),
        ),
        migrations.AddIndex(
            model_name='node',
            index=models.Index(fields=['tenant', 'ref'], name='node_ref'),
        ),
        migrations.AddIndex(
            model_name='node',
            index=models.Index(fields=['tenant', 'name'], name='node_name'),
        ),
        migrations.AddConstraint(
            model_name='node',
            constraint=models.UniqueConstraint(fields=('tenant', 'kind', 'key'), name='node_unique'),
        ),
        migrations.AddIndex(
            model_name='meterevent',
            index=models.Index(fields=['tenant', 'subject', 'meter'], name='meter_event_subject'),
        ),
        migrations.AddConstraint(
            model_name='meterevent',
            constraint=models.UniqueConstraint(fields=('tenant', 'key'), name='meter_event_once'),
        ),
        migrations.AddConstraint(
            model_name='meterevent',
            constraint=models.CheckConstraint(condition=models.Q(('quantity__gte', 0)), name='meter_event_not_negative'),
        ),
        migrations.AddConstraint(
            model_name='membership',
            constraint=models.UniqueConstraint(fields=('tenant', 'user'), name='membership_unique'),
        ),
        migrations.AddConstraint(
            model_name='membership',
            constraint=models.CheckConstraint(condition=models.Q(('role__in', ['RESPONDER', 'COMMANDER', 'AUDITOR', 'ADMIN'])), name='membership_role_known'),
        ),
        migrations.AddConstraint(
            model_name='invitation',
            constraint=models.UniqueConstraint(fields=('tenant', 'digest'), name='invitation_digest_unique'),
        ),
        migrations.AddConstraint(
            model_name='invitation',
            constraint=models.UniqueConstraint(condition=models.Q(('accepted_at', None), ('revoked_at', None)), fields=('tenant', 'email'), name='invitation_open_unique'),
        ),
        migrations.AddConstraint(
            model_name='invitation',
            constraint=models.CheckConstraint(condition=models.Q(('role__in', ['RESPONDER', 'COMMANDER', 'AUDITOR', 'ADMIN'])), name='invitation_role_known'),
        ),
        migrations.AddConstraint(
            model_name='idempotentresponse',
            constraint=models.UniqueConstraint(fields=('tenant', 'actor', 'key'), name='idempotent_response_unique'),
        ),
        migrations.AddConstraint(
            model_name='environment',
            constraint=models.UniqueConstraint(fields=('tenant', 'slug'), name='environment_slug_unique'),
        ),
        migrations.AddIndex(
            model_name='edge',
            index=models.Index(fields=['tenant', 'source', 'kind', 'target'], include=('ended_at',), name='edge_walk_forward'),
        ),
        migrations.AddIndex(
            model_name='edge',
            index=models.Index(fields=['tenant', 'target', 'kind', 'source'], include=('ended_at',), name='edge_walk_back'),
        ),
        migrations.AddConstraint(
            model_name='edge',
            constraint=models.UniqueConstraint(condition=models.Q(('ended_at__isnull', True)), fields=('tenant', 'source', 'target', 'kind'), name='edge_live_unique'),
        ),
        migrations.AddConstraint(
            model_name='edge',
            constraint=models.CheckConstraint(condition=models.Q(('source', models.F('target')), _negated=True), name='edge_no_self_loop'),
        ),
        migrations.AddConstraint(
            model_name='checkpoint',
            constraint=models.UniqueConstraint(fields=('tenant', 'tree_size'), name='checkpoint_size_unique'),
        ),
        migrations.AddConstraint(
            model_name='apitoken',
            constraint=models.UniqueConstraint(fields=('tenant', 'digest'), name='token_digest_unique'),
        ),
        migrations.AddIndex(
            model_name='tenantpolicy',
            index=models.Index(fields=['tenant', 'state'], name='tenant_policy_state'),
        ),
        migrations.AddConstraint(
            model_name='tenantpolicy',
            constraint=models.UniqueConstraint(fields=('tenant', 'name', 'version'), name='tenant_policy_version_unique'),
        ),
        migrations.AddConstraint(
            model_name='tenantpolicy',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'ACTIVE')), fields=('tenant', 'name'), name='tenant_policy_one_active'),
        ),
        migrations.AddConstraint(
            model_name='tenantpolicy',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['DRAFT', 'ACTIVE', 'RETIRED'])), name='tenant_policy_state_known'),
        ),
        migrations.AddConstraint(
            model_name='tenantpolicy',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'ACTIVE'), _negated=True), ('activated_at__isnull', False), _connector='OR'), name='tenant_policy_active_since'),
        ),
        migrations.AddConstraint(
            model_name='tenantpolicy',
            constraint=models.CheckConstraint(condition=models.Q(('activated_by', ''), models.Q(('activated_by', models.F('uploaded_by')), _negated=True), _connector='OR'), name='tenant_policy_two_people'),
        ),
        migrations.AddConstraint(
            model_name='tenantpolicy',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'RETIRED'), _negated=True), ('retired_at__isnull', False), _connector='OR'), name='tenant_policy_retired_since'),
        ),
        migrations.AddConstraint(
            model_name='tile',
            constraint=models.UniqueConstraint(fields=('tenant', 'level', 'number'), name='tile_unique'),
        ),
        migrations.AddConstraint(
            model_name='try',
            constraint=models.UniqueConstraint(fields=('tenant', 'step', 'number'), name='try_unique'),
        ),
    ]
