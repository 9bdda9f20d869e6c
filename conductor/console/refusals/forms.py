"""The form that was refused, on its page again, with what was typed and the reason, beside the field that it names.

Works on the page as it was drawn, so that it holds for every form of the console, those of later pages too. A page may
have several forms with one address: the one that has what was sent is meant. Secrets, files and hidden fields are
never put back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

from django.http import QueryDict
from django.utils.html import escape, format_html, format_html_join

SECRETS = ("csrfmiddlewaretoken", "password", "secret", "token")
"""What is never printed back: fields whose name contains one of these."""
_NEVER_FILLED = {"hidden", "password", "file", "submit", "button", "reset", "image"}
_TICKED = {"checkbox", "radio"}
_CONTROLS = {"input", "textarea", "select", "button"}

Attributes = dict[str, str | None]
Edit = tuple[int, int, str]


@dataclass
class Option:
    """A choice of a select: its open tag and the text that is its value where it has none."""

    start: int
    end: int
    attributes: Attributes
    text: str = ""

    @property
    def value(self) -> str:
        given = self.attributes.get("value")
        return " ".join(self.text.split()) if given is None else given


@dataclass
class Control:
    """An input, textarea, select or button: where its open tag stands and where its content ends."""

    tag: str
    start: int
    end: int
    attributes: Attributes
    closed: int = 0
    options: list[Option] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.attributes.get("name") or ""

    @property
    def kind(self) -> str:
        return (self.attributes.get("type") or ("text" if self.tag == "input" else "")).lower()

    @property
    def is_filled(self) -> bool:
        return bool(self.name) and self.tag != "button" and self.kind not in _NEVER_FILLED and not is_secret(self.name)


@dataclass
class Form:
    """A form that posts: where its open tag ends, where its body begins, and its controls in order."""

    start: int
    end: int
    attributes: Attributes
    body: int
    controls: list[Control] = field(default_factory=list)
    closed: int = 0
    folds: list[tuple[int, int, Attributes]] = field(default_factory=list)
    """Open tags of the <details> that it stands in."""


def is_secret(name: str) -> bool:
    """Return whether what was typed into a field of this name is never printed back."""
    return any(each in name.lower() for each in SECRETS)


def forms_of(page: str) -> list[Form]:
    """Return the page's forms that post, in order."""
    reader = _Reader(page)
    reader.feed(page)
    reader.close()
    return reader.forms


def refilled(
    page: str, *, address: str, action: str, posted: QueryDict, reason: str, problems: Mapping[str, Sequence[str]]
) -> str:
    """Return the page with the form that was sent to the path `action` showing why it was refused and what was typed.

    `address` is the path and query of the page: forms without an action send there, wherever the answer is shown.
    `problems` by field stand beside the field of that name; the others and `reason` at the form's head.
    """
    forms = forms_of(page)
    edits = [_addressed(form, page, address) for form in forms if not form.attributes.get("action")]
    if chosen := _meant(forms, address=address, action=action, posted=posted):
        edits += _shown(chosen, page, posted=posted, reason=reason, problems=problems)
    for start, end, text in sorted(edits, key=lambda edit: edit[:2], reverse=True):
        page = page[:start] + text + page[end:]
    return page


def _meant(forms: Iterable[Form], *, address: str, action: str, posted: QueryDict) -> Form | None:
    """Return the form that has most of what was sent: a hidden value of another form speaks against that one."""
    ranked = [
        (_likeness(form, posted), -place, form)
        for place, form in enumerate(forms)
        if urlsplit(urljoin(address, form.attributes.get("action") or "")).path in {"", action}
    ]
    best = max(ranked, key=lambda each: each[:2], default=None)
    return best[2] if best is not None and best[0] >= 0 else None


def _likeness(form: Form, posted: QueryDict) -> int:
    sent = {name: values for name, values in posted.lists() if name != "csrfmiddlewaretoken"}
    names = {control.name for control in form.controls}
    hidden = [each for each in form.controls if each.kind == "hidden" and each.name in sent]
    differing = sum((each.attributes.get("value") or "") not in sent[each.name] for each in hidden)
    missing = len(sent.keys() - names)
    return -1 if missing and not sent.keys() & names else 10 * (len(sent) - missing) - 100 * differing + 100


def _shown(
    form: Form, page: str, *, posted: QueryDict, reason: str, problems: Mapping[str, Sequence[str]]
) -> list[Edit]:
    edits: list[Edit] = [(start, end, _tag("details", {**has, "open": None})) for start, end, has in form.folds]
    beside: set[str] = set()
    for control in form.controls:
        if not control.name or control.kind == "hidden" or control.tag == "button":
            continue
        complaint = problems.get(control.name) if control.name not in beside else None
        has = dict(control.attributes)
        if complaint and control.kind not in _TICKED and 'class="error"' not in page[form.start : form.closed]:
            beside.add(control.name)
            named = f"refused-{control.name}"
            has |= {"aria-invalid": "true", "aria-describedby": named}
            edits.append(
                (
                    control.closed,
                    control.closed,
                    format_html('<span class="error" id="{}">{}</span>', named, " ".join(complaint)),
                )
            )
        edits += _filled(control, page, has, posted)
    if 'class="refused' not in page[form.start : form.closed]:
        others = [
            (name.replace("_", " ").capitalize(), " ".join(said))
            for name, said in problems.items()
            if name not in beside
        ]
        if others or not beside:
            said = format_html_join(" ", "{}: {}", others) if others else escape(reason)
            edits.append((form.body, form.body, format_html('<p class="refused small"><b>Refused.</b> {}</p>', said)))
    return edits


def _filled(control: Control, page: str, has: Attributes, posted: QueryDict) -> Iterable[Edit]:
    """Yield what puts the control's value back. A field that was not sent at all stays as the page drew it."""
    values = [str(each) for each in posted.getlist(control.name)]
    is_ticked = control.kind in _TICKED
    if control.is_filled and (values or is_ticked):
        if control.tag == "textarea":
            yield control.end, page.rindex("</", control.end, control.closed), f"\n{escape(values[-1])}"
        elif control.tag == "select" and any(option.value in values for option in control.options):
            for option in control.options:
                kept = {name: value for name, value in option.attributes.items() if name != "selected"}
                chosen: Attributes = {"selected": None} if option.value in values else {}
                yield option.start, option.end, _tag("option", {**kept, **chosen})
        elif is_ticked:
            has.pop("checked", None)
            has |= {"checked": None} if (control.attributes.get("value") or "on") in values else {}
        elif control.tag == "input":
            has["value"] = values[-1]
    if has != control.attributes:
        yield control.start, control.end, _tag(control.tag, has)


def _addressed(form: Form, page: str, address: str) -> Edit:
    return form.start, form.end, _tag("form", {**form.attributes, "action": address})


def _tag(name: str, attributes: Attributes) -> str:
    told = "".join(f" {key}" if value is None else f' {key}="{escape(value)}"' for key, value in attributes.items())
    return f"<{name}{told}>"


class _Reader(HTMLParser):
    """Finds the forms that post, with the places of what belongs to them."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[Form] = []
        self._lines = [0]
        for line in page.split("\n"):
            self._lines.append(self._lines[-1] + len(line) + 1)
        self._form: Form | None = None
        self._open: Control | None = None
        self._option: Option | None = None
        self._folds: list[tuple[int, int, Attributes]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        start, attributes = self._at(), dict(attrs)
        end = start + len(self.get_starttag_text() or "")
        if tag == "details":
            self._folds.append((start, end, attributes))
        elif tag == "form" and (attributes.get("method") or "").lower() == "post":
            self._form = Form(start, end, attributes, body=end, closed=end, folds=list(self._folds))
            self.forms.append(self._form)
        elif self._form is None:
            return
        elif tag == "div" and self._form.body == self._form.end and "panel-body" in (attributes.get("class") or ""):
            self._form.body = end
        elif tag in _CONTROLS:
            control = Control(tag, start, end, attributes, closed=end)
            self._form.controls.append(control)
            self._open = control if tag in {"textarea", "select"} else None
        elif tag == "option" and self._open is not None:
            self._option = Option(start, end, attributes)
            self._open.options.append(self._option)

    def handle_data(self, data: str) -> None:
        if self._option is not None:
            self._option.text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "details" and self._folds:
            self._folds.pop()
        elif tag == "form" and self._form is not None:
            self._form.closed = self._at()
            self._form = None
        elif tag == "option":
            self._option = None
        elif self._open is not None and tag == self._open.tag:
            self._open.closed = self._at() + len(f"</{tag}>")
            self._open = self._option = None

    def _at(self) -> int:
        line, column = self.getpos()
        return self._lines[line - 1] + column
