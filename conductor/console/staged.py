"""What pages and documents of a demonstration say about it."""

from __future__ import annotations

from typing import Final

STAGED: Final = (
    "The organisation, its people, services and incidents are invented; incidents are played in seconds, not in the "
    "time that they would take. Runs, receipts and seals were made by this installation, when they say."
)
"""For documents, after the word “Demonstration”."""
