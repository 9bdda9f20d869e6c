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
            name='AdapterConfig',
            fields=[
                ('id', models.UUIDField(default=conductor.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('port', models.CharField(max_length=20)),
                ('kind', models.CharField(max_length=40)),
                ('name', models.CharField(max_length=80)),
                ('settings', models.JSONField(blank=True, default=dict)),
                ('enabled', models.BooleanField(default=True)),
                ('created_at', models.DateTimeField()),
                ('updated_at', models.DateTimeField()),
                ('tested_at', models.DateTimeField(null=True)),
                ('test_passed', models.BooleanField(null=True)),
                ('test_code', models.CharField(blank=True, max_length=40)),
                ('test_detail', models.CharField(blank=True, max_length=500)),
                ('environment', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='conductor.environment')),
                ('tenant', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='conductor.tenant')),
            ],
            options={
                'verbose_name': 'adapter',
            },
        ),
        migrations.CreateModel(
            name='Breaker',
            fields=[
                ('id', models.UUIDField(default=conductor.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('failures', models.PositiveSmallIntegerField(default=0)),
                ('opened_at', models.DateTimeField(null=True)),
                ('retry_at', models.DateTimeField(null=True)),
                ('code', models.CharField(blank=True, max_length=40)),
                ('error', models.CharField(blank=True, max_length=500)),
                ('turn_of', models.CharField(blank=True, max_length=32)),
                ('turn_ends_at', models.DateTimeField(null=True)),
                ('adapter', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='adapters.adapterconfig')),
                ('tenant', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='conductor.tenant')),
            ],
        ),
        migrations.CreateModel(
            name='DataKey',
            fields=[
                ('id', models.UUIDField(default=conductor.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('version', models.PositiveIntegerField()),
                ('kek_id', models.CharField(max_length=120)),
                ('wrapped', models.TextField(blank=True)),
                ('created_at', models.DateTimeField()),
                ('retired_at', models.DateTimeField(null=True)),
                ('destroyed_at', models.DateTimeField(null=True)),
                ('tenant', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='conductor.tenant')),
            ],
        ),
        migrations.CreateModel(
            name='Delivery',
            fields=[
                ('id', models.UUIDField(default=conductor.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('key', models.CharField(max_length=160)),
                ('subject', models.CharField(max_length=120)),
                ('event', models.CharField(max_length=80)),
                ('message', models.JSONField(default=dict)),
                ('recipient', models.CharField(blank=True, max_length=200)),
                ('status', models.CharField(choices=[('PENDING', 'Pending'), ('SENT', 'Sent'), ('FAILED', 'Failed')], default='PENDING', max_length=8)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('provider_id', models.CharField(blank=True, max_length=200)),
                ('error', models.CharField(blank=True, max_length=500)),
                ('created_at', models.DateTimeField()),
                ('sent_at', models.DateTimeField(null=True)),
                ('adapter', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='adapters.adapterconfig')),
                ('tenant', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='conductor.tenant')),
            ],
            options={
                'verbose_name_plural': 'deliveries',
            },
        ),
        migrations.CreateModel(
            name='NotaryPolicy',
            fields=[
                ('id', models.UUIDField(default=conductor.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('mode', models.CharField(choices=[('OFF', 'Off: nobody is asked'), ('BEST_EFFORT', 'Best effort: asked, not waited for'), ('REQUIRED', 'Required: sealed at once, released once enough have vouched')], max_length=12)),
                ('needed', models.PositiveSmallIntegerField(default=0)),
                ('proposed_by', models.CharField(max_length=120)),
                ('proposed_by_name', models.CharField(max_length=160)),
                ('proposed_at', models.DateTimeField()),
                ('approved_by', models.CharField(blank=True, max_length=120)),
                ('approved_by_name', models.CharField(blank=True, max_length=160)),
                ('in_force_at', models.DateTimeField(null=True)),
                ('replaced_at', models.DateTimeField(null=True)),
                ('tenant', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='conductor.tenant')),
            ],
            options={
                'verbose_name_plural': 'notary policies',
            },
        ),
        migrations.CreateModel(
            name='NotaryRecord',
            fields=[
                ('id', models.UUIDField(default=conductor.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('subject', models.CharField(max_length=120)),
                ('digest', models.CharField(max_length=64)),
                ('state', models.CharField(choices=[('PENDING', 'Pending'), ('VERIFIED', 'Verified'), ('REJECTED', 'Rejected')], default='PENDING', max_length=8)),
                ('request', models.BinaryField(default=bytes)),
                ('response', models.BinaryField(default=bytes)),
                ('attested_at', models.DateTimeField(null=True)),
                ('verified_by', models.CharField(blank=True, max_length=80)),
                ('trust_anchor', models.CharField(blank=True, max_length=200)),
                ('trust_anchor_pem', models.TextField(blank=True)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('code', models.CharField(blank=True, max_length=40)),
                ('error', models.CharField(blank=True, max_length=500)),
                ('created_at', models.DateTimeField()),
                ('verified_at', models.DateTimeField(null=True)),
                ('adapter', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='adapters.adapterconfig')),
                ('tenant', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='conductor.tenant')),
            ],
        ),
        migrations.CreateModel(
            name='Secret',
            fields=[
                ('id', models.UUIDField(default=conductor.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=40)),
                ('reference', models.CharField(blank=True, max_length=300)),
                ('sealed', models.TextField(blank=True)),
                ('set_at', models.DateTimeField()),
                ('set_by', models.CharField(max_length=120)),
                ('adapter', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='secrets', to='adapters.adapterconfig')),
                ('tenant', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='conductor.tenant')),
            ],
        ),
        migrations.CreateModel(
            name='Ticket',
            fields=[
                ('id', models.UUIDField(default=conductor.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('subject', models.CharField(max_length=120)),
                ('origin', models.CharField(choices=[('OPENED', 'Opened by Conductor'), ('LINKED', 'Linked by a person')], max_length=6)),
                ('phase', models.CharField(choices=[('REQUESTED', 'Requested'), ('TRACKED', 'Tracked'), ('FAILED', 'Failed'), ('ENDED', 'Ended')], default='REQUESTED', max_length=9)),
                ('content', models.JSONField(default=dict)),
                ('external_id', models.CharField(blank=True, max_length=200)),
                ('name', models.CharField(blank=True, max_length=200)),
                ('url', models.CharField(blank=True, max_length=500)),
                ('title', models.CharField(blank=True, max_length=300)),
                ('remote_status', models.CharField(blank=True, max_length=80)),
                ('state', models.CharField(blank=True, choices=[('OPEN', 'Open'), ('DONE', 'Done'), ('DROPPED', 'Dropped')], max_length=8)),
                ('subject_state', models.CharField(blank=True, choices=[('OPEN', 'Open'), ('DONE', 'Done'), ('DROPPED', 'Dropped')], max_length=8)),
                ('remote_updated_at', models.DateTimeField(null=True)),
                ('synced_at', models.DateTimeField(null=True)),
                ('due_at', models.DateTimeField(null=True)),
                ('claim_ends_at', models.DateTimeField(null=True)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('code', models.CharField(blank=True, max_length=40)),
                ('error', models.CharField(blank=True, max_length=500)),
                ('created_at', models.DateTimeField()),
                ('created_by', models.CharField(max_length=120)),
                ('created_by_name', models.CharField(max_length=160)),
                ('ended_at', models.DateTimeField(null=True)),
                ('adapter', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='adapters.adapterconfig')),
                ('tenant', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='conductor.tenant')),
            ],
        ),
        migrations.AddIndex(
            model_name='adapterconfig',
            index=models.Index(fields=['tenant', 'port'], name='adapter_port'),
        ),
        migrations.AddConstraint(
            model_name='adapterconfig',
            constraint=models.UniqueConstraint(fields=('tenant', 'name'), name='adapter_name_unique'),
        ),
        migrations.AddConstraint(
            model_name='adapterconfig',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('test_passed__isnull', True), ('tested_at__isnull', True)), models.Q(('test_passed__isnull', False), ('tested_at__isnull', False)), _connector='OR'), name='adapter_test_whole'),
        ),
        migrations.AddConstraint(
            model_name='breaker',
            constraint=models.UniqueConstraint(fields=('tenant', 'adapter'), name='breaker_once'),
        ),
        migrations.AddConstraint(
            model_name='breaker',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('opened_at', None), ('retry_at', None)), models.Q(('opened_at__isnull', False), ('retry_at__isnull', False)), _connector='OR'), name='breaker_open_until'),
        ),
        migrations.AddConstraint(
            model_name='datakey',
            constraint=models.UniqueConstraint(fields=('tenant', 'version'), name='data_key_version'),
        ),
        migrations.AddConstraint(
            model_name='datakey',
            constraint=models.UniqueConstraint(condition=models.Q(('retired_at', None)), fields=('tenant',), name='data_key_one_seals'),
        ),
        migrations.AddConstraint(
            model_name='datakey',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(models.Q(('wrapped', ''), _negated=True), ('destroyed_at', None)), models.Q(('destroyed_at__isnull', False), ('retired_at__isnull', False), ('wrapped', '')), _connector='OR'), name='data_key_destroyed_whole'),
        ),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(fields=['tenant', 'subject'], name='delivery_subject'),
        ),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(fields=['tenant', '-created_at'], name='delivery_created'),
        ),
        migrations.AddConstraint(
            model_name='delivery',
            constraint=models.UniqueConstraint(fields=('tenant', 'adapter', 'key'), name='delivery_once'),
        ),
        migrations.AddConstraint(
            model_name='delivery',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('sent_at__isnull', True), ('status__in', ['PENDING', 'FAILED'])), models.Q(('sent_at__isnull', False), ('status', 'SENT')), _connector='OR'), name='delivery_status_known'),
        ),
        migrations.AddIndex(
            model_name='notarypolicy',
            index=models.Index(fields=['tenant', '-in_force_at'], name='notary_policy_newest'),
        ),
        migrations.AddConstraint(
            model_name='notarypolicy',
            constraint=models.UniqueConstraint(condition=models.Q(('in_force_at', None), ('replaced_at', None)), fields=('tenant',), name='notary_policy_one_waits'),
        ),
        migrations.AddConstraint(
            model_name='notarypolicy',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('mode', 'REQUIRED'), ('needed__gte', 1)), models.Q(models.Q(('mode', 'REQUIRED'), _negated=True), ('needed', 0)), _connector='OR'), name='notary_policy_needed'),
        ),
        migrations.AddConstraint(
            model_name='notarypolicy',
            constraint=models.CheckConstraint(condition=models.Q(('approved_by', models.F('proposed_by')), _negated=True), name='notary_policy_four_eyes'),
        ),
        migrations.AddIndex(
            model_name='notaryrecord',
            index=models.Index(fields=['tenant', 'subject'], name='notary_subject'),
        ),
        migrations.AddConstraint(
            model_name='notaryrecord',
            constraint=models.UniqueConstraint(fields=('tenant', 'adapter', 'digest'), name='notary_once'),
        ),
        migrations.AddConstraint(
            model_name='notaryrecord',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state__in', ['PENDING', 'REJECTED']), ('verified_at__isnull', True)), models.Q(('attested_at__isnull', False), ('state', 'VERIFIED'), ('verified_at__isnull', False)), _connector='OR'), name='notary_verified_whole'),
        ),
        migrations.AddConstraint(
            model_name='secret',
            constraint=models.UniqueConstraint(fields=('tenant', 'adapter', 'name'), name='secret_unique'),
        ),
        migrations.AddConstraint(
            model_name='secret',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('reference', ''), models.Q(('sealed', ''), _negated=True)), models.Q(models.Q(('reference', ''), _negated=True), ('sealed', '')), _connector='OR'), name='secret_reference_or_sealed'),
        ),
        migrations.AddIndex(
            model_name='ticket',
            index=models.Index(fields=['tenant', 'subject'], name='ticket_subject'),
        ),
        migrations.AddIndex(
            model_name='ticket',
            index=models.Index(fields=['tenant', 'adapter', 'phase', 'synced_at'], name='ticket_turn'),
        ),
        migrations.AddConstraint(
            model_name='ticket',
            constraint=models.UniqueConstraint(condition=models.Q(('ended_at', None), ('origin', 'OPENED')), fields=('tenant', 'adapter', 'subject'), name='ticket_opened_once'),
        ),
        migrations.AddConstraint(
            model_name='ticket',
            constraint=models.UniqueConstraint(condition=models.Q(models.Q(('external_id', ''), _negated=True), ('ended_at', None)), fields=('tenant', 'adapter', 'external_id', 'subject'), name='ticket_tied_once'),
        ),
        migrations.AddConstraint(
            model_name='ticket',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('phase', 'TRACKED'), _negated=True), models.Q(models.Q(('external_id', ''), _negated=True), models.Q(('state', ''), _negated=True), ('synced_at__isnull', False)), _connector='OR'), name='ticket_tracked_whole'),
        ),
        migrations.AddConstraint(
            model_name='ticket',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('ended_at__isnull', False), ('phase', 'ENDED')), models.Q(models.Q(('phase', 'ENDED'), _negated=True), ('ended_at', None)), _connector='OR'), name='ticket_end_has_time'),
        ),
    ]
