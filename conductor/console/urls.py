"""The console's own pages below a tenant."""

from __future__ import annotations

from django.urls import path, re_path

from conductor.console import help as help_pages
from conductor.console import policy, receipts, views
from conductor.console.inbox import views as inbox_views
from conductor.console.people import invitations, members, permissions, tokens

app_name = "console"
urlpatterns = [
    path("inbox/", inbox_views.inbox, name="inbox"),
    path("help/", help_pages.page, name="help"),
    path("help/<path:name>/", help_pages.page, name="help_page"),
    path("palette", views.palette, name="palette"),
    path("runs/", views.run_list, name="runs"),
    path("runs/R-<int:number>/", views.run_detail, name="run"),
    re_path(
        r"^runs/R-(?P<number>\d+)/(?P<action>cancellation|retry|decision|signal)/$", views.run_action, name="run_action"
    ),
    path("receipts/", receipts.receipt_list, name="receipts"),
    path("receipts/trust-root.json", receipts.trust_root, name="trust_root"),
    path("receipts/<uuid:receipt_id>/", receipts.receipt_detail, name="receipt"),
    path("receipts/<uuid:receipt_id>/timestamp/", receipts.receipt_stamp, name="receipt_stamp"),
    re_path(
        r"^receipts/(?P<receipt_id>[0-9a-f-]{36})/proof\.(?P<form>sigstore\.json|tlog-proof|dsse\.json)$",
        receipts.receipt_proof,
        name="receipt_proof",
    ),
    path("policy/", policy.decision_list, name="policy"),
    path("policy/decisions/<uuid:decision_id>/", policy.decision_detail, name="policy_decision"),
    path("policy/rules/", policy.rules, name="policy_rules"),
    path("policy/rules/new/", policy.upload, name="policy_upload"),
    path("policy/rules/<uuid:policy_id>/", policy.version, name="policy_version"),
    path("policy/rules/<uuid:policy_id>/activation/", policy.activation, name="policy_activation"),
    path("policy/rules/<uuid:policy_id>/retirement/", policy.retirement, name="policy_retirement"),
    path("policy/simulations/", policy.simulations, name="policy_simulations"),
    path("policy/simulations/new/", policy.simulate, name="policy_simulate"),
    path("policy/simulations/S-<int:number>/", policy.simulation, name="policy_simulation"),
    path("members/", members.member_list, name="members"),
    path("members/second-step/", members.second_step, name="member_second_step"),
    path("members/permissions/", permissions.permissions, name="member_permissions"),
    path("members/tokens/", tokens.token_list, name="member_tokens"),
    path("members/tokens/new/", tokens.issue, name="member_token_issue"),
    path("members/tokens/<uuid:token_id>/revocation/", tokens.revocation, name="member_token_revocation"),
    path("members/invitations/new/", invitations.invite, name="member_invite"),
    path("members/invitations/<uuid:invitation_id>/renewal/", invitations.renewal, name="member_invitation_renewal"),
    path(
        "members/invitations/<uuid:invitation_id>/revocation/",
        invitations.revocation,
        name="member_invitation_revocation",
    ),
    path("members/<uuid:membership_id>/", members.member_detail, name="member"),
    path("members/<uuid:membership_id>/role/", members.role, name="member_role"),
    path("members/<uuid:membership_id>/sessions/", members.sessions, name="member_sessions"),
    path("members/<uuid:membership_id>/removal/", members.removal, name="member_removal"),
]
