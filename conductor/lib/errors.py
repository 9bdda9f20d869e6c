"""Expected refusals. Every door turns them into its own answer; nothing was changed when one is raised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


class Refused(Exception):
    """The request was refused and nothing was changed.

    The docstring of a subclass is the sentence the user reads, unless `detail` says it better.
    `code` is stable and part of the API; `fields` maps a field's name to its complaints.
    """

    code = "refused"
    status = 400
    retry_after_seconds: int | None = None
    """When the same request may succeed, where that is known."""

    def __init__(self, detail: str = "", *, fields: Mapping[str, Sequence[str]] | None = None) -> None:
        self.detail = detail or " ".join((type(self).__doc__ or "").split("\n\n", 1)[0].split())
        self.fields: dict[str, list[str]] = {name: list(why) for name, why in (fields or {}).items()}
        super().__init__(self.detail)


class NotAllowed(Refused):
    """You are not permitted to do this."""

    code = "not_allowed"
    status = 403


class NotFound(Refused):
    """There is nothing here, or nothing that you may see."""

    code = "not_found"
    status = 404


class Conflict(Refused):
    """Somebody was first: the record is not in the state that this needs."""

    code = "conflict"
    status = 409


class Invalid(Refused):
    """Some of the input is not valid."""

    code = "invalid"
    status = 422
