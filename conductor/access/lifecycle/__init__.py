"""Verbs on who gets in: members, invitations, sessions, and the record of how people sign in.

Each leaves a receipt in its transaction.
"""

from __future__ import annotations

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
from conductor.access.lifecycle.members import LastAdmin, add_member, change_role, remove_member
from conductor.access.lifecycle.records import record_act_of
from conductor.access.lifecycle.sessions import end_sessions

__all__ = [
    "AccountExists",
    "AddressDiffers",
    "AlreadyInvited",
    "InvitationNotValid",
    "IssuedInvitation",
    "LastAdmin",
    "accept_as_newcomer",
    "accept_invitation",
    "add_member",
    "change_role",
    "end_sessions",
    "invite",
    "mark_sent",
    "open_invitation",
    "record_act_of",
    "remove_member",
    "renew_invitation",
    "revoke_invitation",
]
