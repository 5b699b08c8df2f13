"""The excerpt of a rehearsal in the READMEs shortens what was printed, and adds nothing."""

import re

import pytest

from tests.docs import markdown
from tools import excerpt

PRINTED = """default  a description
  0:00:00  StartRun
  0:00:00  CreateFileSystem
  0:00:30  DescribeFileSystem
  0:00:40  CreateFileSystem
           … polled, 29 states
  0:29:41  Succeeded

  outcome        SUCCEEDED
  took           0:29:41 of virtual time, 0.7 s of real""".replace("SUCCEEDED", "SUCCEEDED   ").splitlines()


def test_a_few_states_and_the_whole_summary_stay() -> None:
    assert excerpt.shortened(PRINTED) == [
        "default  a description",
        "  0:00:00  CreateFileSystem",
        "  0:29:41  Succeeded",
        "",
        "  outcome        SUCCEEDED",
        "  took           0:29:41 of virtual time, 0.7 s of real",
    ]


@pytest.mark.parametrize("readme", markdown.READMES)
def test_every_state_that_is_to_be_shown_is_in_the_excerpt(readme: str) -> None:
    states = re.findall(r"^ +\d+:\d\d:\d\d  (\w+)$", markdown.between(readme, "rehearsal"), re.M)
    assert states == list(excerpt.SHOWN)


@pytest.mark.parametrize(
    ("was", "stays"),
    [
        ("the run: execution 1a2b SUCCEEDED, 0.7 s of real", True),
        ("the run: execution 1a2b FAILED, 0.7 s of real", False),
        ("", False),
    ],
)
def test_an_excerpt_is_stale_when_anything_but_the_real_time_and_random_names_differs(
    was: str, stays: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = "the run: execution 3c4d SUCCEEDED, 12.3 s of real"
    monkeypatch.setattr(excerpt, "rehearsal", lambda: now)
    assert excerpt.refreshed(f"\n{was}\n") == (was if stays else now)
