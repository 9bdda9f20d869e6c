"""Words out of a line of text: tokens, incident codes, people, and text as people read it."""

from __future__ import annotations

import re
import unicodedata

_TOKEN = re.compile(r"(?:<[@#!][^<>]*>|\S)+")
_CODE = re.compile(r"(?:inc[-_]?|#)(\d{1,9})", re.IGNORECASE)
_ITEM = re.compile(r"a[-_]?(\d{1,9})", re.IGNORECASE)
_MENTION = re.compile(r"<@([A-Z0-9]{1,40})(?:\|[^<>]*)?>")
_GROUP = re.compile(r"<!subteam\^([A-Z0-9]{1,40})(?:\|([^<>]*))?>")
_MARKUP = re.compile(r"<([@#!]?)([^<>|]*)(?:\|([^<>]*))?>")
_TURNS_DIRECTION = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")


def clean(text: str) -> str:
    """Return the text without control characters, lone surrogates and marks that turn the reading direction.

    Line breaks stay.
    """
    kept = (" " if unicodedata.category(char) in {"Cc", "Cs"} and char != "\n" else char for char in text)
    return "".join(char for char in kept if char not in _TURNS_DIRECTION).strip()


def plain(text: str) -> str:
    """Return escaped chat text as people read it: `@ben`, `#general`, `https://…`, and & < > themselves."""
    unmarked = _MARKUP.sub(_readable, text)
    return unmarked.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def tokens_of(text: str) -> list[str]:
    """Return the words; an escaped mention is one word, whatever stands in it."""
    return _TOKEN.findall(text)


def pop(text: str) -> tuple[str, str]:
    """Return the first word and the rest; two empty strings when there is none."""
    found = _TOKEN.search(text)
    return (found[0], text[found.end() :].strip()) if found else ("", "")


def number_of(token: str) -> int | None:
    """Return the number of an incident's code, `INC-7`, `inc7` or `#7`; None for any other word."""
    found = _CODE.fullmatch(token)
    return int(found[1]) if found else None


def item_number_of(token: str) -> int | None:
    """Return the number of an action item's code, `A-3` or `a3`; None for any other word."""
    found = _ITEM.fullmatch(token)
    return int(found[1]) if found else None


def mentioned_id(token: str) -> str:
    """Return the id in an escaped mention, `<@U123|ben>`; empty for any other word."""
    found = _MENTION.fullmatch(token)
    return found[1] if found else ""


def group_in(token: str) -> tuple[str, str]:
    """Return id and name in an escaped mention of a user group, `<!subteam^S06|@oncall>`; empty for any other word."""
    found = _GROUP.fullmatch(token)
    return (found[1], found[2] or "that group") if found else ("", "")


def _readable(markup: re.Match[str]) -> str:
    sigil, target, label = markup[1], markup[2], markup[3] or ""
    if sigil:
        return ("#" if sigil == "#" else "@") + (label or target.partition("^")[0]).lstrip("@#")
    return target if not label or target.endswith(label) else f"{label} ({target})"
