"""How numbers, times, names and digests are written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conductor.console.format import values

NOW = datetime(2026, 11, 20, 14, 3, 41, tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "shown"),
    [
        (datetime(2026, 11, 20, 13, 21, 8, tzinfo=UTC), "13:21 UTC"),
        (datetime(2026, 11, 2, 11, 4, tzinfo=UTC), "2 Nov, 11:04 UTC"),
        (datetime(2025, 12, 31, 23, 59, tzinfo=UTC), "31 Dec 2025, 23:59 UTC"),
        (datetime(2026, 11, 20, 23, 30, tzinfo=timezone(timedelta(hours=-3))), "21 Nov, 02:30 UTC"),
    ],
)
def test_a_moment_drops_what_today_and_this_year_say_already(at: datetime, shown: str) -> None:
    assert values.moment(at, now=NOW) == shown


def test_evidence_always_names_date_second_and_zone() -> None:
    at = datetime(2026, 11, 20, 12, 4, 2, 999_999, tzinfo=timezone(timedelta(hours=1)))

    assert values.exact_moment(at) == "20 Nov 2026, 11:04:02 UTC"


def test_a_naive_datetime_is_refused() -> None:
    with pytest.raises(ValueError, match="naive"):
        values.exact_moment(datetime(2026, 11, 20))


@pytest.mark.parametrize(
    ("before", "shown"),
    [
        (timedelta(seconds=59), "just now"),
        (timedelta(minutes=42, seconds=30), "42 min ago"),
        (timedelta(hours=23, minutes=59), "23 h ago"),
        (timedelta(days=6), "6 d ago"),
        (timedelta(days=59), "59 d ago"),
        (timedelta(days=335), "11 mo ago"),
        (timedelta(days=900), "2 y ago"),
        (timedelta(minutes=-4, seconds=-5), "in 4 min"),
        (timedelta(days=-3), "in 3 d"),
    ],
)
def test_relative_time_uses_the_largest_unit_that_fits(before: timedelta, shown: str) -> None:
    assert values.ago(NOW - before, now=NOW) == shown


@pytest.mark.parametrize(
    ("length", "coarse", "shown"),
    [
        (0, False, "0s"),
        (0.34, False, "340ms"),
        (0.0001, False, "1ms"),
        (12, False, "12s"),
        (161, False, "2m 41s"),
        (62, False, "1m 02s"),
        (161, True, "2m"),
        (59, True, "59s"),
        (timedelta(hours=2, minutes=17, seconds=40), False, "2h 17m"),
        (timedelta(hours=14, minutes=2), True, "14h 02m"),
        (timedelta(days=3, hours=4, minutes=59), False, "3d 4h"),
        (timedelta(seconds=-161), False, "−2m 41s"),
    ],
)
def test_a_duration_has_two_units_at_most(length: timedelta | float, coarse: bool, shown: str) -> None:
    assert values.duration(length, coarse=coarse) == shown


@given(st.integers(0, 10**9))
def test_a_duration_is_never_empty_and_never_negative_by_itself(seconds: int) -> None:
    shown = values.duration(seconds)

    assert shown
    assert values.MINUS not in shown


@pytest.mark.parametrize(("minutes", "shown"), [(42, "0:42"), (137, "2:17"), (26 * 60 + 5, "26:05"), (-1, "0:00")])
def test_hours_and_minutes_fit_a_narrow_column(minutes: int, shown: str) -> None:
    assert values.hours_minutes(timedelta(minutes=minutes)) == shown


@pytest.mark.parametrize(
    ("value", "shown"), [(0, "0"), (1204, "1,204"), (-1204, "−1,204"), (Decimal("1204.50"), "1,204.50")]
)
def test_numbers_are_grouped_and_have_a_true_minus(value: int | Decimal, shown: str) -> None:
    assert values.number(value) == shown


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        (1284, "USD", "$1,284"),
        (Decimal("1284.49"), "USD", "$1,284"),
        (Decimal("41.2"), "USD", "$41.20"),
        (Decimal("-6.40"), "EUR", "−€6.40"),
        (318, "SEK", "318 SEK"),
    ],
)
def test_money_keeps_cents_only_where_they_matter(amount: Decimal, currency: str, shown: str) -> None:
    assert values.money(amount, currency=currency) == shown


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (48_200, "48 kB"),
        (999_600, "1.0 MB"),
        (4_900_000, "4.9 MB"),
        (12_400_000, "12 MB"),
        (3 * 10**12, "3.0 TB"),
    ],
)
def test_sizes_are_decimal(size: int, shown: str) -> None:
    assert values.byte_size(size) == shown


def test_an_unknown_total_is_said_not_guessed() -> None:
    assert values.n_of_m(6, 8) == "6 of 8"
    assert values.n_of_m(6, None) == "6, total not known"


@pytest.mark.parametrize(
    ("name", "letters", "short"),
    [
        ("Amara Okafor", "AO", "Amara O."),
        ("cora", "C", "cora"),
        ("Jean-Luc van der Berg", "JB", "Jean-Luc B."),
        ("", "?", ""),
        ("<b>", "B", "<b>"),
    ],
)
def test_names_are_shortened_without_being_lost(name: str, letters: str, short: str) -> None:
    assert values.initials(name) == letters
    assert values.short_name(name) == short


def test_a_person_has_one_hue_by_number_and_by_reference() -> None:
    assert values.hue(17) == values.hue("17") == values.hue("tenancy.user:17") == 5


@given(st.text())
def test_every_key_has_a_hue(key: str) -> None:
    assert 0 <= values.hue(key) < values.HUES


def test_machines_are_told_from_people_by_their_reference() -> None:
    assert values.is_machine("conductor.system:conductor")
    assert not values.is_machine("tenancy.user:17")
    assert not values.is_machine(17)


def test_a_digest_is_shortened_only_when_that_is_shorter() -> None:
    assert values.short_digest("b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9") == "b94d27…efcde9"
    assert values.short_digest("b94d27") == "b94d27"


@given(st.text(), st.text())
def test_the_parts_of_a_marked_text_are_the_text(text: str, wanted: str) -> None:
    parts = values.split_at_matches(text, wanted)

    assert "".join(part.text for part in parts) == text
