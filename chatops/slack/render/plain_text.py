"""Messages and views as plain text: for the command line, the console, and for reading them over."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

_DATE = re.compile(r"<!date\^[^|>]*\|([^>]*)>")
_LINK = re.compile(r"<((?:https?://|mailto:)[^|>]+)\|([^>]*)>")
_BARE_LINK = re.compile(r"<((?:https?://|mailto:)[^|>]+)>")
_MENTION = re.compile(r"<@([A-Z0-9]+)>")


def as_text(shown: Mapping[str, Any]) -> str:
    """Return a message or a view as people would read it, one block after the other."""
    title = [f"[{shown['title']['text']}]"] if "title" in shown else []
    submit = [f"({shown['submit']['text']})  (Cancel)"] if "submit" in shown else []
    return "\n".join([*title, *lines_of(shown["blocks"]), *submit])


def lines_of(blocks: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return each block as lines of text."""
    return [line for block in blocks for line in _block(block)]


def readable(mrkdwn: str) -> str:
    """Return Slack's markup as plain text."""
    text = _DATE.sub(r"\1", mrkdwn)
    text = _BARE_LINK.sub(r"\1", _LINK.sub(r"\2 (\1)", text))
    text = _MENTION.sub(r"@\1", text)
    text = re.sub(r"(?<!\w)\*([^*\n]+)\*(?!\w)", r"\1", text)
    text = re.sub(r"^>", "> ", text, flags=re.MULTILINE)
    return text.replace("`", "").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _block(block: Mapping[str, Any]) -> list[str]:
    kind = block["type"]
    if kind == "divider":
        return ["---"]
    if kind == "header":
        return [f"# {block['text']['text']}"]
    if kind == "context":
        return ["  ·  ".join(readable(each["text"]) for each in block["elements"])]
    if kind == "actions":
        return ["  ".join(_element(each) for each in block["elements"])]
    if kind == "input":
        optional = " (optional)" if block.get("optional") else ""
        return [f"{block['label']['text']}{optional}: {_element(block['element'])}"]
    lines = [readable(block["text"]["text"])] if "text" in block else []
    lines += [readable(field["text"]).replace("\n", ": ") for field in block.get("fields", [])]
    return [*lines, *([_element(block["accessory"])] if "accessory" in block else [])]


def _element(element: Mapping[str, Any]) -> str:
    if element["type"] == "button":
        return f"({element['text']['text']})"
    if chosen := element.get("initial_option"):
        return f"<{chosen['text']['text']}>"
    return f"<{element.get('initial_value') or element.get('initial_user') or '…'}>"
