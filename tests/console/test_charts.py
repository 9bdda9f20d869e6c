"""The small charts: their geometry, and the words that say the same."""

from __future__ import annotations

from types import SimpleNamespace

from django.template import Context, Template

from conductor.console.format import charts


def _step(status: str, *, is_cleanup: bool = False) -> SimpleNamespace:
    return SimpleNamespace(status=status, is_cleanup=is_cleanup)


def _shown(source: str, **variables: object) -> str:
    return Template("{% load charts %}" + source).render(Context(variables))


def test_a_sparkline_bridges_what_nobody_knows_and_stays_in_its_box() -> None:
    points = charts.sparkline([10, None, 30, 20])

    assert [x for x, _y in points] == [2.0, 47.3, 70.0]
    assert [y for _x, y in points] == [20.0, 4.0, 12.0]


def test_one_number_is_no_line() -> None:
    assert charts.sparkline([None, 4, None]) == []
    assert _shown("{% sparkline values %}", values=[]) == ""


def test_a_level_line_is_drawn() -> None:
    assert {y for _x, y in charts.sparkline([5, 5, 5])} == {20.0}


def test_many_marks_fit_beside_each_other() -> None:
    drawn = charts.marks(["ok"] * 90)

    assert len(drawn) == 90
    assert drawn[-1].x + drawn[-1].width <= charts.WIDTH + 0.5


def test_steps_are_marked_by_their_status_and_told_in_words() -> None:
    steps = [_step("SUCCEEDED"), _step("FAILED"), _step("PENDING"), _step("PENDING", is_cleanup=True)]
    html = _shown("{% step_marks steps %}", steps=steps)

    assert 'aria-label="1 of 3 steps done"' in html
    assert html.count("<rect") == 3
    assert html.count('fill="url(#p-fail)"') == 1
