"""The evidence of an incident's response, as the API has it: which bundle is sealed, and what it concluded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chatops.demo.doors import Api, DoorShut, wait_until


@dataclass(frozen=True)
class Evidence:
    """A sealed bundle of one incident."""

    code: str
    conclusion: str
    exceptions: list[str]
    """The titles of the checks that found one."""

    @property
    def sentence(self) -> str:
        """The conclusion in words, each exception by its name."""
        if not self.exceptions:
            return f"{self.code}: no exceptions"
        noun = "exception" if len(self.exceptions) == 1 else "exceptions"
        return f"{self.code}: {len(self.exceptions)} {noun} ({', '.join(self.exceptions)})"


def sealed_of(api: Api, incident: str, *, seconds: float, conclusion: str) -> Evidence:
    """Wait for the newest sealed bundle of the incident that concludes so; raise DoorShut if none does in time."""
    found = wait_until(
        f"a bundle of {incident} that concludes {conclusion}",
        lambda: _newest(api, incident, conclusion),
        seconds=seconds,
    )
    findings = api.get(f"/bundles/{found['code']}")["findings"]
    exceptions = [str(each["title"]) for each in findings if each["result"] == "exception"]
    if bool(exceptions) != (conclusion == "EXCEPTIONS"):
        raise DoorShut(f"{found['code']} concludes {conclusion} with {len(exceptions)} exceptions")
    return Evidence(str(found["code"]), conclusion, exceptions)


def _newest(api: Api, incident: str, conclusion: str) -> dict[str, Any] | None:
    listed: list[dict[str, Any]] = api.get("/bundles?status=SEALED&limit=50")["items"]
    return next((each for each in listed if each["incident"] == incident and each["conclusion"] == conclusion), None)
