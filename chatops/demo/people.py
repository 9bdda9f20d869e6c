"""The people of the demonstration, and the Slack workspace in which some of them are."""

from __future__ import annotations

from dataclasses import dataclass

TEAM = "T0NORTHWIND"
"""Northwind's Slack workspace."""


@dataclass(frozen=True)
class Person:
    username: str
    first_name: str
    last_name: str
    role: str
    slack_user_id: str = ""
    domain: str = "northwind.example"

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}"

    @property
    def email(self) -> str:
        return f"{self.username}@{self.domain}"


NORTHWIND = (
    Person("amara", "Amara", "Okafor", "COMMANDER", "U0AMARA"),
    Person("jonas", "Jonas", "Lindqvist", "RESPONDER", "U0JONAS"),
    Person("priya", "Priya", "Raman", "RESPONDER", "U0PRIYA"),
    Person("diego", "Diego", "Marín", "RESPONDER"),
    Person("ruth", "Ruth", "Calloway", "AUDITOR"),
    Person("sven", "Sven", "Nygaard", "ADMIN", "U0SVEN"),
)
GLOBEX = (Person("mira", "Mira", "Castellanos", "COMMANDER", domain="globex.example"),)
