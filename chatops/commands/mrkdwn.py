"""People's own words for Slack: Markdown as it was typed, in the marks that Slack knows.

Each piece is whole: an escaped character, a mark, a link. Cutting between pieces never leaves half of one, and what a
person typed is escaped, so that `<!channel>` stays text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from markdown_it.token import Token

from conductor.lib.markdown import parsed

ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
"""Slack's three control characters."""
_MARKS = {"strong_open": "*", "strong_close": "*", "em_open": "_", "em_close": "_"}


def escaped(text: str) -> list[str]:
    """Return the text's characters, Slack's control characters escaped."""
    return [ESCAPES.get(each, each) for each in text]


def pieces(text: str) -> list[str]:
    """Return Markdown as pieces of mrkdwn, line by line; lists and quotations keep their marks as text."""
    found: list[str] = []
    for line in _lines(parsed(text), text.split("\n")):
        found += [*line, "\n"]
    return found[:-1]


def _lines(tokens: Sequence[Token], typed: Sequence[str]) -> Iterator[list[str]]:
    lists: list[int] = []
    quotes, lead, bold = 0, "", False
    for token in tokens:
        if token.level == 0 and token.map and token.map[0] and not typed[token.map[0] - 1].strip():
            yield []
        match token.type:
            case "bullet_list_open":
                lists.append(0)
            case "ordered_list_open":
                lists.append(int(token.attrs.get("start", 1)))
            case "bullet_list_close" | "ordered_list_close":
                lists.pop()
            case "list_item_open":
                lead = "    " * (len(lists) - 1) + (f"{lists[-1]}. " if lists[-1] else "• ")
                lists[-1] += 1 if lists[-1] else 0
            case "blockquote_open":
                quotes += 1
            case "blockquote_close":
                quotes -= 1
            case "heading_open":
                bold = True
            case "fence" | "code_block":
                for row in f"{token.info}\n{token.content}".strip("\n").splitlines():
                    yield [*_before(quotes, lead), *_code(row)]
                    lead = " " * len(lead)
            case "inline":
                for line in _inline(token.children or [], bold=bold):
                    yield [*_before(quotes, lead), *line]
                    lead = " " * len(lead)
                bold, lead = False, ""


def _before(quotes: int, lead: str) -> list[str]:
    return [*["&gt; "] * quotes, *lead]


def _inline(tokens: Sequence[Token], *, bold: bool) -> Iterator[list[str]]:
    """Yield the lines of a paragraph. A heading is bold, and so needs no bold within it."""
    line: list[str] = []
    link: list[str] | None = None
    href = ""
    for token in tokens:
        into = line if link is None else link
        match token.type:
            case "softbreak" | "hardbreak" if link is None:
                yield _emboldened(line, bold)
                line = []
            case "softbreak" | "hardbreak":
                into.append(" ")
            case "link_open":
                href, link = str(token.attrs["href"]), []
            case "link_close":
                line.append(_link(href, "".join(link or [])))
                link = None
            case "code_inline":
                into += _code(token.content)
            case "strong_open" | "strong_close" | "em_open" | "em_close":
                into += [] if bold and token.tag == "strong" else [_MARKS[token.type]]
            case "destination":
                pass  # Slack shows where a link leads
            case _:
                into += escaped(token.content)
    yield _emboldened(line, bold)


def _emboldened(line: list[str], bold: bool) -> list[str]:
    return ["*", *line, "*"] if bold and line else line


def _code(text: str) -> list[str]:
    return ["`", *escaped(text.replace("`", "ˋ")), "`"] if text.strip() else escaped(text)


def _link(href: str, label: str) -> str:
    address = "".join(escaped(href)).replace("|", "%7C")
    return f"<{address}|{label.replace('|', '¦')}>" if label and label != address else f"<{address}>"
