"""What Slack shows: messages in Block Kit with a plain text beside, held to Slack's limits, with nobody pinged by them.

Every text that a person wrote passes `mrkdwn`, so that `<!channel>` in a title stays a title.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, TypedDict

from chatops.commands.mrkdwn import escaped, pieces
from chatops.commands.phrases import VERBS, Verb, usage_of

TEXT_LIMIT = 3000
"""Characters of a section's text, and of the message's own text here."""
FIELD_LIMIT = 2000
FIELDS_LIMIT = 10
BLOCKS_LIMIT = 50
REFUSED = "Refused, nothing was changed."
"""How every refusal begins."""

Block = dict[str, Any]


class Answer(TypedDict):
    """A response to a command, as Slack takes it and as SlackReceipt.answer keeps it."""

    response_type: str
    """`in_channel` for all to see, `ephemeral` for the one who asked."""
    text: str
    """What notifications and screen readers say."""
    blocks: list[Block]


def mrkdwn(text: str, limit: int = TEXT_LIMIT) -> str:
    """Return `text` with Slack's three control characters escaped, cut with an ellipsis to at most `limit`.

    Slack counts as JavaScript does: a character beyond the Basic Multilingual Plane counts twice.
    """
    return _held(escaped(text), limit)


def _held(found: list[str], limit: int) -> str:
    """Return the pieces joined, cut between two of them with an ellipsis to at most `limit`."""
    if sum(map(_width, found)) <= limit:
        return "".join(found)
    kept, size = [], 1
    for piece in found:
        size += _width(piece)
        if size > limit:
            break
        kept.append(piece)
    return "".join(kept) + "…"


def _width(piece: str) -> int:
    return len(piece) + sum(ord(char) > 0xFFFF for char in piece)


def quoted(text: str) -> str:
    """Return a person's words as a quotation in mrkdwn: their Markdown in Slack's marks, their links as links."""
    return "\n".join(f">{line}" for line in _held(pieces(text) or escaped(text), TEXT_LIMIT - 200).splitlines()[:40])


def code(text: str, limit: int = 300) -> str:
    """Return text in type-writer letters, to be typed again by the reader."""
    return f"`{mrkdwn(text, limit).replace('`', 'ˋ')}`"


def link(url: str, label: str) -> str:
    """Return a link. The URL is ours."""
    return f"<{url}|{mrkdwn(label, 200).replace('|', '¦')}>"


def moment(when: datetime) -> str:
    """Return a moment that Slack shows in the reader's own zone, with UTC for readers who cannot."""
    utc = f"{when:%Y-%m-%d %H:%M:%S} UTC"
    return f"<!date^{int(when.timestamp())}^{{date_short_pretty}} {{time_secs}}|{utc}>"


def section(text: str, fields: Sequence[str] = ()) -> Block:
    """Return a paragraph in mrkdwn, with up to ten short fields in two columns."""
    block: Block = {"type": "section", "text": {"type": "mrkdwn", "text": text}}
    if fields:
        block["fields"] = [{"type": "mrkdwn", "text": field[:FIELD_LIMIT]} for field in fields[:FIELDS_LIMIT]]
    return block


def paragraphs(lines: Iterable[str]) -> list[Block]:
    """Return lines of mrkdwn in as few paragraphs as Slack's limit allows. No line may exceed it itself."""
    found: list[list[str]] = [[]]
    room = TEXT_LIMIT
    for line in lines:
        size = sum(map(_width, line)) + 1
        if size > room and found[-1]:
            found.append([])
            room = TEXT_LIMIT
        found[-1].append(line)
        room -= size
    return [section("\n".join(each)) for each in found if each]


def context(*texts: str) -> Block:
    """Return a line of small print in mrkdwn."""
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text} for text in texts if text][:10]}


def header(text: str) -> Block:
    """Return a heading in plain text."""
    return {"type": "header", "text": plain_text(text, 150)}


def divider() -> Block:
    """Return a line across."""
    return {"type": "divider"}


def actions(*elements: Block) -> Block:
    """Return a row of up to 25 buttons and menus. Slack tells them apart by `action_id`, unique within the row."""
    return {"type": "actions", "elements": list(elements)[:25]}


def plain_text(text: str, limit: int) -> Block:
    """Return a text that Slack shows as it stands, cut with an ellipsis to at most `limit`; never empty."""
    return {"type": "plain_text", "text": cut(text, limit) or "–"}


def cut(text: str, limit: int) -> str:
    """Return the text on one line, cut with an ellipsis to at most `limit`, counted as Slack counts."""
    line = " ".join(text.split())
    if sum(map(_width, line)) <= limit:
        return line
    kept, size = [], 1
    for char in line:
        size += _width(char)
        if size > limit:
            break
        kept.append(char)
    return "".join(kept) + "…"


def answer(text: str, blocks: Iterable[Block], *, in_channel: bool = False) -> Answer:
    """Return a message. `text` is plain: it is escaped here, as Slack reads it as mrkdwn too."""
    kept = list(blocks)[:BLOCKS_LIMIT]
    return {"response_type": "in_channel" if in_channel else "ephemeral", "text": mrkdwn(text), "blocks": kept}


def note(text: str, *more: str) -> Answer:
    """Return a message for the asker's eyes, `more` being lines of small print in mrkdwn."""
    return answer(text, [section(mrkdwn(text)), *([context(*more)] if more else [])])


def help_overview(*, command: str) -> Answer:
    """Return every verb with its sentence."""
    lines = [f"{code(usage_of(verb, command=command))}\n{mrkdwn(verb.summary)}" for verb in VERBS]
    return answer(
        f"{command} verb: {', '.join(verb.name for verb in VERBS)}.",
        [
            *paragraphs(lines),
            context(
                f"Name an incident by its code, INC-7, when more than one is active. {code(command + ' help ack')}"
            ),
        ],
    )


def help_for(verb: Verb, *, command: str) -> Answer:
    """Return how one verb is used."""
    usage = usage_of(verb, command=command)
    examples = "\n".join(code(f"{command} {example}") for example in verb.examples)
    aliases = [f"Also: {', '.join(code(alias) for alias in verb.aliases)}"] if verb.aliases else []
    blocks = [section(f"{code(usage)}\n{mrkdwn(verb.summary)}"), section(f"For example\n{examples}")]
    return answer(f"{usage}: {verb.summary}", [*blocks, *([context(*aliases)] if aliases else [])])


def suggestion(problem: str, nearest: Sequence[str], *, usage: str, command: str) -> Answer:
    """Return what was not understood and what would be. `nearest` are sentences after the command's name."""
    parts = [mrkdwn(problem, 1000)]
    if nearest:
        meant = " or ".join(code(each if each.startswith("--") else f"{command} {each}") for each in nearest)
        parts.append(f"Did you mean {meant}?")
    if usage:
        parts.append(f"It goes {code(usage)}.")
    plain_text = f"{problem} Type {command} help."
    return answer(plain_text, [section("\n".join(parts)), context(f"Nothing was changed. {code(command + ' help')}")])


def refusal(reasons: Sequence[str], *, remedy: str = "", fixes: Sequence[Block] = ()) -> Answer:
    """Return every reason of a refusal at once, what to do about it (in mrkdwn), and the buttons that do it."""
    listed = [f"• {mrkdwn(reason, 280)}" for reason in reasons[:10]]
    text = f"{REFUSED} {' '.join(reasons)}"
    blocks = [section("\n".join([f"*{REFUSED}*", *listed]))]
    extra = [*([actions(*fixes)] if fixes else []), *([context(remedy)] if remedy else [])]
    return answer(text, [*blocks, *extra])
