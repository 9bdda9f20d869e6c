"""The template tags: what they print, and that nothing hostile gets through them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django import forms
from django.apps import apps
from django.db import models
from django.template import Context, Template
from django.template.loader import get_template

from conductor.console.format import icons, statuses

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 11, 20, 14, 3, 41, tzinfo=UTC)
HOSTILE = "\"'><script>alert(1)</script>&"
DIGEST = "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9"


def shown(source: str, **variables: Any) -> str:
    variables.setdefault("shell", {"now": NOW})
    return Template("{% load switchboard %}" + source).render(Context(variables))


@pytest.mark.parametrize(
    "source",
    [
        "{% icon x %}",
        "{% icon 'siren' x %}",
        "{% icon_at 'server' x x %}",
        "{% sev x %}",
        "{% sevglyph x %}",
        "{% glyph x %}",
        "{% glyph 'open' x %}",
        "{% status x %}",
        "{% status 'open' x %}",
        "{% avatar x x x %}",
        "{% person x x %}",
        "{% person x x short=True %}",
        "{% person '' nobody=x %}",
        "{% person x 'conductor.system:x' %}",
        "{% hash x %}",
        "{% hash x 2 %}",
        "{% when at css=x %}",
        "{{ x|marked:'script' }}",
        "{{ x|marked:x }}",
        "{{ 1|money:x }}",
        "{% include 'components/empty.html' with icon=x title=x text=x href=x action=x only %}",
        "{% include 'components/callout.html' with icon='info' tone=x title=x text=x only %}",
        "{% include 'components/notice.html' with text=x tone=x only %}",
        "{% include 'components/figure.html' with label=x value=x note=x tone=x only %}",
    ],
)
def test_nothing_hostile_gets_through(source: str) -> None:
    out = shown(source, x=HOSTILE, at=NOW)

    assert "<script" not in out
    assert not re.search(r"=\"[^\"]*\"'>", out), "an attribute was broken out of"


def test_an_icon_is_decoration() -> None:
    out = shown('{% icon "siren" "icon-sm muted" %}')

    assert out.startswith('<svg class="icon icon-sm muted" viewBox="0 0 24 24" aria-hidden="true"><path')


def test_an_unknown_icon_is_drawn_as_a_dashed_square() -> None:
    assert icons.shapes("no-such-icon") == icons.ICONS["square-dashed"]


def test_every_icon_that_a_template_names_is_there() -> None:
    named = {
        (name, path.name)
        for path in (ROOT / "templates").rglob("*.html")
        for name in re.findall(r"{% icon(?:_at)? [\"']([^\"']+)[\"']", path.read_text())
    }

    assert not {(name, where) for name, where in named if name not in icons.ICONS}


@pytest.mark.parametrize("value", [1, "1", "SEV1", "sev1"])
def test_a_severity_is_a_shape_and_a_word(value: object) -> None:
    out = shown("{% sev value %}", value=value)

    assert 'data-sev="1"' in out
    assert out.endswith("SEV1</span>")
    assert 'aria-label="SEV1"' in shown("{% sevglyph value %}", value=value)


@pytest.mark.parametrize("value", [None, "", 0, 9, "SEV²"])
def test_what_nobody_classified_is_said_so(value: object) -> None:
    assert "Unclassified" in shown("{% sev value %}", value=value)
    assert 'aria-label="Unclassified"' in shown("{% sevglyph value %}", value=value)


def test_a_status_is_known_in_upper_and_lower_case() -> None:
    assert shown("{% status 'OPEN' %}") == shown("{% status 'open' %}")
    assert 'data-tone="red"' in shown("{% status 'OPEN' %}")


def test_an_unknown_status_keeps_its_word_and_gets_a_neutral_jack() -> None:
    out = shown("{% status 'SOMETHING_NEW' %}")

    assert 'data-tone="none"' in out
    assert out.endswith("Something new</span>")
    assert "Unknown" in shown("{% status None %}")


def test_a_status_may_say_more_than_its_word() -> None:
    out = shown('{% status "waiting" "Waiting for approval" quiet=True %}')

    assert " data-quiet>" in out
    assert out.endswith("Waiting for approval</span>")


def test_a_glyph_alone_has_a_name_and_beside_a_word_has_none() -> None:
    assert 'role="img" aria-label="Failed"' in shown("{% glyph 'FAILED' %}")
    assert 'aria-hidden="true"' in shown("{% glyph 'FAILED' '' %}")


def _stored_statuses() -> set[tuple[str, str]]:
    """Every value that a column named status or state may hold, in any model of ours."""
    ours = ("conductor", "adapters", "incidents", "controls", "evidence", "chatops")
    return {
        (f"{model._meta.label}.{field.name}", str(value))
        for model in apps.get_models()
        if model.__module__.partition(".")[0] in ours
        for field in model._meta.get_fields()
        if isinstance(field, models.CharField) and field.name in {"status", "state", "to_status"}
        for value, _label in field.flatchoices
    }


def test_every_status_that_can_be_stored_has_a_jack_of_its_own() -> None:
    stored = _stored_statuses()

    assert stored
    assert not {(where, value) for where, value in stored if value.lower() not in statuses.STATUSES}


def test_a_person_is_an_avatar_and_a_name() -> None:
    out = shown("{% person name key short=True %}", name="Tomasz Zieliński", key="tenancy.user:7")

    assert 'data-hue="1"' in out
    assert ">TZ</span>" in out
    assert "Tomasz Z.</span>" in out


def test_nobody_is_said_and_a_machine_is_drawn_as_one() -> None:
    assert "data-empty" in shown("{% person '' %}")
    assert "Nobody yet" in shown("{% person '' %}")
    assert "data-bot" in shown("{% person 'Conductor' 'conductor.system:conductor' %}")


def test_a_hash_is_whole_in_title_and_copy() -> None:
    out = shown("{% hash digest %}", digest=DIGEST)

    assert f'title="{DIGEST}">b94d27…efcde9<' in out
    assert f'data-copy="{DIGEST}"' in out
    assert "<button" not in shown("{% hash digest copy=False %}", digest=DIGEST)


def test_a_time_is_absolute_first_and_relative_second() -> None:
    at = NOW - timedelta(minutes=42, seconds=33)

    assert shown("{% when at ago=True %}", at=at) == (
        '<time datetime="2026-11-20T13:21:08Z" title="20 Nov 2026, 13:21:08 UTC">13:21 UTC</time>, '
        '<time datetime="2026-11-20T13:21:08Z" data-rel>42 min ago</time>'
    )


@pytest.mark.parametrize(
    ("style", "text"),
    [("short", "14:03 UTC"), ("exact", "20 Nov 2026, 14:03:41 UTC"), ("clock", "14:03:41"), ("date", "20 Nov 2026")],
)
def test_a_time_has_four_styles(style: str, text: str) -> None:
    assert f">{text}</time>" in shown("{% when at style %}", at=NOW, style=style)


def test_what_did_not_happen_is_a_dash() -> None:
    for source in (
        "{% when None %}",
        "{% duration None %}",
        "{% hash '' %}",
        "{% bytesize None %}",
        "{{ None|number }}",
    ):
        assert "–" in shown(source)


def test_elapsed_time_ticks_until_there_is_an_end() -> None:
    since = NOW - timedelta(hours=2, minutes=17)

    assert shown("{% elapsed since %}", since=since) == (
        '<span class="num" data-since="2026-11-20T11:46:41Z">2h 17m</span>'
    )
    assert shown("{% elapsed since end %}", since=since, end=NOW) == '<span class="num">2h 17m</span>'
    assert ">2:17<" in shown("{% elapsed since short=True %}", since=since)


def test_times_fall_back_to_the_clock_outside_a_page() -> None:
    assert "just now" in shown("{% when at ago=True %}", at=datetime.now(UTC), shell=None)


def test_matches_are_marked_whatever_their_case() -> None:
    assert shown("{{ 'Declare a decision'|marked:'dec' }}") == "<mark>Dec</mark>lare a <mark>dec</mark>ision"


class Declaration(forms.Form):
    title = forms.CharField(label="What is wrong?", help_text="One sentence", max_length=10)
    email = forms.CharField(widget=forms.TextInput(attrs={"placeholder": "Email address"}))
    page = forms.BooleanField(label="Page on-call", required=False)


def test_a_field_names_its_hint_and_its_error() -> None:
    form = Declaration({"title": "far too long a title", "email": "a"})
    out = shown('{% include "components/field.html" with field=form.title only %}', form=form)

    assert 'aria-invalid="true"' in out
    assert 'aria-describedby="id_title_helptext id_title_error"' in out
    assert 'id="id_title_helptext">One sentence<' in out
    assert 'id="id_title_error">' in out
    assert 'class="input"' in out


def test_a_placeholder_that_repeats_the_label_is_left_out() -> None:
    assert "placeholder" not in shown("{{ form.email|control }}", form=Declaration())


def test_a_checkbox_stands_before_its_label() -> None:
    out = shown('{% include "components/field.html" with field=form.page only %}', form=Declaration())

    assert re.search(r'<label class="task small"><input type="checkbox"[^>]*class="check"[^>]*><span>Page on-call', out)


@pytest.mark.parametrize("name", ["400.html", "403.html", "404.html", "500.html"])
def test_an_error_page_needs_nothing_at_all(name: str) -> None:
    out = get_template(name).render()

    assert f'<p class="entrance-code">{name[:3]}</p>' in out
    assert "<script" not in out


def test_a_server_error_gives_its_reference() -> None:
    assert "0192f3a1" in get_template("500.html").render({"reference": "0192f3a1"})


def test_times_are_in_the_zone_that_was_chosen_but_evidence_and_days_stay_in_utc() -> None:
    berlin = {"zone": ZoneInfo("Europe/Berlin"), "now": NOW}
    late = datetime(2026, 7, 31, 23, 30, tzinfo=UTC)

    assert ">1 Aug, 01:30 CEST<" in shown("{% when at %}", at=late, shell=berlin)
    assert ">01:30:00<" in shown("{% when at 'clock' %}", at=late, shell=berlin)
    assert 'title="31 Jul 2026, 23:30:00 UTC"' in shown("{% when at %}", at=late, shell=berlin)
    assert ">31 Jul 2026, 23:30:00 UTC<" in shown("{% when at 'exact' %}", at=late, shell=berlin)
    assert ">31 Jul 2026<" in shown("{% when at 'date' %}", at=late, shell=berlin)
    # The day and the year turn at midnight of the zone.
    turn = datetime(2025, 12, 31, 23, 30, tzinfo=UTC)
    new_year = {**berlin, "now": turn + timedelta(minutes=40)}
    assert ">00:30 CET<" in shown("{% when at %}", at=turn, shell=new_year)
    assert ">31 Dec 2025, 23:30 UTC<" in shown("{% when at %}", at=turn, shell={"now": new_year["now"]})
