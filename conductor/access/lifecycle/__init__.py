"""Verbs on who gets in: members, invitations, API tokens, sessions, and the record of how people sign in.

Each leaves a receipt in its transaction.
"""
