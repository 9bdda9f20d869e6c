"""Verbs on who gets in: members, invitations, API tokens, sessions, and the record of how people sign in.

Each leaves a receipt in its transaction.
"""

from __future__ import annotations

from conductor.access.lifecycle.addresses import confirm_address, drop_claims
from conductor.access.lifecycle.invitations import (
    AccountExists,
    AddressDiffers,
    AlreadyInvited,
    InvitationNotValid,
    IssuedInvitation,
    accept_as_newcomer,
    accept_invitation,
    invite,
    mark_sent,
    open_invitation,
    renew_invitation,
    revoke_invitation,
)
from conductor.access.lifecycle.members import LastAdmin, add_member, change_role, note_given_by_groups, remove_member
from conductor.access.lifecycle.records import record_act_of
from conductor.access.lifecycle.second_step import OwnStepMissing, require_second_step, stop_requiring_second_step
from conductor.access.lifecycle.sessions import end_sessions
from conductor.access.lifecycle.tokens import TokenRevoked, issue_token, revoke_token

__all__ = [
    "AccountExists",
    "AddressDiffers",
    "AlreadyInvited",
    "InvitationNotValid",
    "IssuedInvitation",
    "LastAdmin",
    "OwnStepMissing",
    "TokenRevoked",
    "accept_as_newcomer",
    "accept_invitation",
    "add_member",
    "change_role",
    "confirm_address",
    "drop_claims",
    "end_sessions",
    "invite",
    "issue_token",
    "mark_sent",
    "note_given_by_groups",
    "open_invitation",
    "record_act_of",
    "remove_member",
    "renew_invitation",
    "require_second_step",
    "revoke_invitation",
    "revoke_token",
    "stop_requiring_second_step",
]
