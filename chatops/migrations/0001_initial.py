import conductor.lib.ids
import django.db.models.deletion
import django.db.models.manager
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('conductor', '0001_initial'),
        ('incidents', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='CapturedMessage',
            fields=[
                ('id', models.UUIDField(default=conductor.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('team_id', models.CharField(max_length=40)),
                ('channel_id', models.CharField(max_length=40)),
                ('channel_name', models.CharField(max_length=80)),
                ('ts', models.CharField(max_length=40)),
                ('author_name', models.CharField(max_length=200)),
                ('text_digest', models.CharField(max_length=64)),
                ('captured_at', models.DateTimeField()),
                ('incident', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='incidents.incident')),
                ('tenant', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='conductor.tenant')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('tenant', 'team_id', 'channel_id', 'ts'), name='slack_message_captured_once')],
            },
        ),
        migrations.CreateModel(
            name='IncidentChannel',
            fields=[
                ('id', models.UUIDField(default=conductor.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('team_id', models.CharField(max_length=40)),
                ('channel_id', models.CharField(blank=True, max_length=40)),
                ('name', models.CharField(max_length=80)),
                ('state', models.CharField(choices=[('OPENING', 'Opening'), ('OPEN', 'Open'), ('SHARED', 'Shared with outsiders'), ('ARCHIVED', 'Archived'), ('FAILED', 'Could not be opened')], default='OPENING', max_length=8)),
                ('headline_ts', models.CharField(blank=True, max_length=40)),
                ('headline_digest', models.CharField(blank=True, max_length=64)),
                ('created_at', models.DateTimeField()),
                ('opened_at', models.DateTimeField(null=True)),
                ('incident', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='incidents.incident')),
                ('tenant', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='conductor.tenant')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('tenant', 'incident'), name='slack_channel_of_incident'), models.UniqueConstraint(condition=models.Q(('channel_id', ''), _negated=True), fields=('tenant', 'team_id', 'channel_id'), name='slack_channel_unique')],
            },
        ),
        migrations.CreateModel(
            name='OutboxMessage',
            fields=[
                ('id', models.UUIDField(default=conductor.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('lane', models.PositiveSmallIntegerField(choices=[(1, 'Page'), (2, 'Response'), (3, 'Digest')])),
                ('team_id', models.CharField(max_length=40)),
                ('channel_id', models.CharField(blank=True, max_length=40)),
                ('method', models.CharField(max_length=60)),
                ('arguments', models.JSONField()),
                ('follow_up', models.CharField(blank=True, max_length=40)),
                ('subject', models.CharField(blank=True, max_length=120)),
                ('dedupe_key', models.CharField(blank=True, max_length=200)),
                ('coalesce_key', models.CharField(blank=True, max_length=200)),
                ('state', models.CharField(choices=[('PENDING', 'Waiting'), ('SENT', 'Sent'), ('DEAD', 'Given up')], default='PENDING', max_length=8)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('due_at', models.DateTimeField()),
                ('leased_until_at', models.DateTimeField(null=True)),
                ('error', models.CharField(blank=True, max_length=200)),
                ('created_at', models.DateTimeField()),
                ('sent_at', models.DateTimeField(null=True)),
                ('words_forgotten_at', models.DateTimeField(null=True)),
                ('tenant', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='conductor.tenant')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('state', 'PENDING')), fields=['tenant', 'lane', 'created_at'], name='slack_outbox_waiting'), models.Index(condition=models.Q(('state', 'DEAD')), fields=['tenant', 'created_at'], name='slack_outbox_dead'), models.Index(condition=models.Q(('words_forgotten_at', None)), fields=['tenant', 'created_at'], name='slack_outbox_words')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('dedupe_key', ''), _negated=True), fields=('tenant', 'dedupe_key'), name='slack_outbox_once'), models.UniqueConstraint(condition=models.Q(models.Q(('coalesce_key', ''), _negated=True), ('leased_until_at__isnull', True), ('state', 'PENDING')), fields=('tenant', 'coalesce_key'), name='slack_outbox_latest'), models.CheckConstraint(condition=models.Q(('lane__in', [1, 2, 3])), name='slack_outbox_lane_known')],
            },
        ),
        migrations.CreateModel(
            name='SlackGroup',
            fields=[
                ('id', models.UUIDField(default=conductor.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('team_id', models.CharField(max_length=40)),
                ('said', models.CharField(max_length=120)),
                ('slack_user_ids', models.JSONField(default=list)),
                ('asked_at', models.DateTimeField(blank=True, null=True)),
                ('failed_at', models.DateTimeField(blank=True, null=True)),
                ('error', models.CharField(blank=True, max_length=80)),
                ('nearest', models.CharField(blank=True, max_length=120)),
                ('tenant', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='conductor.tenant')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('tenant', 'team_id', 'said'), name='slack_group_named_once')],
            },
        ),
        migrations.CreateModel(
            name='SlackIdentity',
            fields=[
                ('id', models.UUIDField(default=conductor.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('team_id', models.CharField(max_length=40)),
                ('slack_user_id', models.CharField(max_length=40)),
                ('linked_at', models.DateTimeField()),
                ('proven_by', models.CharField(blank=True, editable=False, max_length=10)),
                ('tenant', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='conductor.tenant')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name_plural': 'Slack identities',
                'base_manager_name': 'ever',
                'constraints': [models.UniqueConstraint(fields=('tenant', 'team_id', 'slack_user_id'), name='slack_identity_unique')],
            },
            managers=[
                ('objects', django.db.models.manager.Manager()),
                ('ever', django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name='SlackInstallation',
            fields=[
                ('id', models.UUIDField(default=conductor.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('team_id', models.CharField(max_length=40)),
                ('team_name', models.CharField(max_length=120)),
                ('enterprise_id', models.CharField(blank=True, max_length=40)),
                ('app_id', models.CharField(blank=True, max_length=40)),
                ('bot_user_id', models.CharField(blank=True, max_length=40)),
                ('bot_scopes', models.JSONField(blank=True, default=list)),
                ('bot_token_reference', models.CharField(blank=True, max_length=300)),
                ('bot_token_sealed', models.TextField(blank=True, editable=False)),
                ('opens_channels', models.BooleanField(default=True)),
                ('installed_by', models.CharField(blank=True, max_length=120)),
                ('installed_at', models.DateTimeField()),
                ('revoked_at', models.DateTimeField(blank=True, null=True)),
                ('revoked_why', models.CharField(blank=True, max_length=40)),
                ('is_granted', models.BooleanField(default=False, editable=False)),
                ('tenant', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='conductor.tenant')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('tenant', 'team_id'), name='slack_installation_unique'), models.UniqueConstraint(condition=models.Q(('revoked_at', None)), fields=('team_id',), name='slack_team_speaks_for_one')],
            },
        ),
        migrations.CreateModel(
            name='SlackOAuthState',
            fields=[
                ('id', models.UUIDField(default=conductor.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('state_digest', models.CharField(max_length=64)),
                ('session_digest', models.CharField(max_length=64)),
                ('expires_at', models.DateTimeField()),
                ('tenant', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='conductor.tenant')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('tenant', 'state_digest'), name='slack_oauth_state_unique')],
            },
        ),
        migrations.CreateModel(
            name='SlackPace',
            fields=[
                ('id', models.UUIDField(default=conductor.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('team_id', models.CharField(max_length=40)),
                ('bucket', models.CharField(max_length=120)),
                ('lane', models.PositiveSmallIntegerField(default=1)),
                ('free_at', models.DateTimeField()),
                ('tenant', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='conductor.tenant')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('tenant', 'team_id', 'bucket', 'lane'), name='slack_pace_unique')],
            },
        ),
        migrations.CreateModel(
            name='SlackReceipt',
            fields=[
                ('id', models.UUIDField(default=conductor.lib.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('dedupe_key', models.CharField(max_length=200)),
                ('kind', models.CharField(choices=[('command', 'Command'), ('action', 'Button or menu'), ('view', 'Modal'), ('shortcut', 'Message shortcut'), ('event', 'Event')], max_length=12)),
                ('team_id', models.CharField(max_length=40)),
                ('slack_user_id', models.CharField(max_length=40)),
                ('channel_id', models.CharField(blank=True, max_length=40)),
                ('message_ts', models.CharField(blank=True, max_length=40)),
                ('payload', models.JSONField()),
                ('payload_digest', models.CharField(max_length=64)),
                ('state', models.CharField(choices=[('RECEIVED', 'Received'), ('DONE', 'Done'), ('FAILED', 'Failed')], default='RECEIVED', max_length=8)),
                ('answer', models.JSONField(null=True)),
                ('view', models.JSONField(null=True)),
                ('view_opened_at', models.DateTimeField(null=True)),
                ('spooled_at', models.DateTimeField(null=True)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('received_at', models.DateTimeField()),
                ('done_at', models.DateTimeField(null=True)),
                ('words_forgotten_at', models.DateTimeField(null=True)),
                ('tenant', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='conductor.tenant')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('state', 'RECEIVED')), fields=['tenant', 'received_at'], name='slack_receipt_open'), models.Index(condition=models.Q(('message_ts', ''), _negated=True), fields=['tenant', 'channel_id', 'message_ts'], name='slack_receipt_message'), models.Index(condition=models.Q(('words_forgotten_at', None)), fields=['tenant', 'received_at'], name='slack_receipt_words')],
                'constraints': [models.UniqueConstraint(fields=('tenant', 'dedupe_key'), name='slack_receipt_once')],
            },
        ),
    ]
