"""Verbs on who gets in: members, their sessions, and the record of how people sign in.

Each leaves a receipt in its transaction.
"""

from __future__ import annotations

from conductor.access.lifecycle.members import LastAdmin, add_member, change_role, remove_member
from conductor.access.lifecycle.records import record_act_of
from conductor.access.lifecycle.sessions import end_sessions

__all__ = ["LastAdmin", "add_member", "change_role", "end_sessions", "record_act_of", "remove_member"]
