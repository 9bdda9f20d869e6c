"""People's own words as Markdown: updates, decisions, notes and the sections that somebody wrote.

What is stored, signed and hashed is what was typed; this only reads it. The dialect is CommonMark without all that
could show something else than what was typed or fetch something: no HTML, no images, no entities, no link definitions
(whose text would vanish). A line break stays one. A bare address is a link. Time grows with the text's length only.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

MOST_CHARACTERS = 20_000
"""What is read as Markdown; of a longer text only the lines are kept."""
SCHEMES = ("https", "http", "mailto")
_DISABLED = ("reference", "image", "html_block", "html_inline", "entity", "lheading", "hr")
_SCHEME = re.compile(r"(?:^|[^a-zA-Z0-9.+-])(https?)$", re.IGNORECASE)
_ADDRESS = re.compile(r"://[^\s<>\"`\\]+")
_ENDINGS = ".,;:!?'*_~)]}"
"""What ends a sentence or a bracket around an address rather than the address."""


def parsed(text: str) -> list[Token]:
    """Return the text's blocks as markdown-it tokens; one paragraph of plain text beyond `MOST_CHARACTERS`."""
    if len(text) > MOST_CHARACTERS:
        return _PLAIN.parse(text)
    return _WRITTEN.parse(text)


def parsed_line(text: str) -> list[Token]:
    """Return the text as one inline token: emphasis, code, links and line breaks, and nothing that makes a block."""
    return _WRITTEN.parseInline(text) if len(text) <= MOST_CHARACTERS else _PLAIN.parseInline(text)


def html(text: str) -> str:
    """Return the text as blocks of HTML, every character of it escaped, no link but to `SCHEMES`."""
    return str(_WRITTEN.renderer.render(parsed(text), _WRITTEN.options, {}))


def html_line(text: str) -> str:
    """Return the text as HTML that may stand within a paragraph or a list item."""
    return str(_WRITTEN.renderer.render(parsed_line(text), _WRITTEN.options, {}))


class _Renderer(RendererHTML):
    def heading_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """A page has its own headings, in order: one within an update is a bold line."""
        return "<p><b>"

    def heading_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return "</b></p>\n"

    def fence(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """What stands behind the fence is shown as well: nothing that was typed is hidden."""
        info = tokens[idx].info.strip()
        named = f'<span class="muted">{_escaped(info)}</span>\n' if info else ""
        return f"<pre><code>{named}{_escaped(tokens[idx].content)}</code></pre>\n"

    def destination(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return f' <span class="muted">({_escaped(tokens[idx].content)})</span>'


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


def _is_allowed(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme.lower() in SCHEMES and bool(parts.netloc or (parts.scheme.lower() == "mailto" and parts.path))


def _bare_address(state: StateInline, silent: bool) -> bool:
    """Make `https://…` a link where it stands, before emphasis can take it to pieces."""
    if state.linkLevel > 0 or not state.src.startswith("://", state.pos):
        return False
    scheme = _SCHEME.search(state.src, max(0, state.pos - 6), state.pos)
    found = _ADDRESS.match(state.src, state.pos, state.posMax)
    if scheme is None or found is None or not state.pending.endswith(scheme[1]):
        return False
    rest = _without_endings(found[0])
    url = scheme[1] + rest
    href = state.md.normalizeLink(url)
    if len(rest) <= len("://") or not state.md.validateLink(href):
        return False
    if not silent:
        state.pending = state.pending[: -len(scheme[1])]
        opened = state.push("link_open", "a", 1)
        opened.attrs, opened.info = {"href": href}, "auto"
        state.push("text", "", 0).content = url
        state.push("link_close", "a", -1)
    state.pos += len(rest)
    return True


def _without_endings(address: str) -> str:
    """Return the address without the sentence's marks; a bracket stays where the address opened it."""
    unopened = {close: address.count(close) - address.count(open_) for open_, close in ("()", "[]", "{}")}
    end = len(address)
    while end and address[end - 1] in _ENDINGS:
        last = address[end - 1]
        if last in unopened:
            if unopened[last] <= 0:
                break
            unopened[last] -= 1
        end -= 1
    return address[:end]


def _show_destinations(state: StateCore) -> None:
    """Mark links as leading outside, and print behind a label where it leads: "the runbook (wiki.example)"."""
    for block in state.tokens:
        if block.children and any(each.type == "link_open" for each in block.children):
            block.children = list(_with_destinations(block.children))


def _with_destinations(tokens: Sequence[Token]) -> Sequence[Token]:
    found: list[Token] = []
    opened: Token | None = None
    for token in tokens:
        if token.type == "link_open" and not token.attrs["href"]:
            found.append(Token("text", "", 0, content="["))  # `[runbook]()` leads nowhere: it stays what was typed
            continue
        if token.type == "link_close" and opened is None:
            found.append(Token("text", "", 0, content="]()"))
            continue
        found.append(token)
        if token.type == "link_open":
            opened = token
            token.attrs = {"class": "link", "rel": "noopener noreferrer nofollow", **token.attrs}
        elif token.type == "link_close" and opened is not None:
            if opened.info != "auto":
                parts = urlsplit(str(opened.attrs["href"]))
                found.append(Token("destination", "", 0, content=parts.netloc or parts.path))
            opened = None
    return found


def _reader() -> MarkdownIt:
    reader = MarkdownIt("commonmark", {"html": False, "breaks": True, "maxNesting": 20}, renderer_cls=_Renderer)
    reader.disable(_DISABLED)
    reader.validateLink = _is_allowed  # type: ignore[method-assign]
    reader.inline.ruler.before("escape", "bare_address", _bare_address)
    reader.core.ruler.after("inline", "destinations", _show_destinations)
    return reader


_WRITTEN = _reader()
_PLAIN = MarkdownIt("zero", {"breaks": True}).enable("newline")
