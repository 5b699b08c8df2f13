"""Time that a file system was there for nothing."""

from __future__ import annotations

import pytest

from rehearsal.play.measures import covered


@pytest.mark.parametrize(
    ("parts", "seconds"),
    [
        ([], 0),
        ([(0, 10)], 10),
        ([(0, 10), (5, 20)], 20),
        ([(5, 20), (0, 10)], 20),
        ([(-50, 10), (90, 500)], 20),
        ([(30, 20)], 0),
        ([(0, 100), (40, 50)], 100),
    ],
)
def test_what_overlaps_is_counted_once_and_what_is_outside_is_not(
    parts: list[tuple[float, float]], seconds: float
) -> None:
    assert covered((0, 100), parts) == seconds
