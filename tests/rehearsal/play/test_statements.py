"""What is said is held against what was there when it was said."""

from __future__ import annotations

from rehearsal.play.belongings import Thing, owner
from rehearsal.play.witness import Statement, alarm_of_the_stack
from rehearsal.play.words import contradictions

RUN = "arn:aws:states:us-east-1:123456789012:execution:m:run"
FILE_SYSTEM = Thing("file-system", "fs-1", RUN)
TEMPLATE = Thing("launch-template", "lt-1", RUN)
LANE = Thing("lane", "lanes", RUN)
OF_ANOTHER = Thing("file-system", "fs-2", "arn:aws:states:us-east-1:123456789012:execution:m:another")


def said(
    *there: Thing,
    named: tuple[str, ...] = (),
    pending: tuple[str, ...] = (),
    perhaps: tuple[str, ...] = (),
    removed: tuple[str, ...] = (),
    text: str = "",
) -> list[str]:
    statement = Statement(
        at=0,
        speaker="the message",
        about=RUN,
        named=dict.fromkeys((*named, *pending, *perhaps), "a reason"),
        pending=frozenset(pending),
        perhaps=frozenset(perhaps),
        removed=frozenset(removed),
        there=there,
        text=text,
    )
    return contradictions([statement])


def test_what_names_exactly_what_is_there_is_true() -> None:
    assert said(FILE_SYSTEM, TEMPLATE, OF_ANOTHER, named=("fs-1",), pending=("lt-1",)) == []


def test_nothing_is_left_only_when_nothing_is() -> None:
    assert said(OF_ANOTHER, text="Nothing is left running.") == []
    assert said(FILE_SYSTEM, text="Nothing is left running.") == [
        "the message says that nothing is left, although file-system fs-1 is"
    ]


def test_what_is_named_has_to_be_there_unless_it_is_said_not_to_be_known() -> None:
    assert said(named=("fs-1",)) == ["the message names fs-1 as still there, which is gone"]
    assert said(perhaps=("fs-1",)) == []


def test_what_is_there_has_to_be_named() -> None:
    assert said(FILE_SYSTEM, TEMPLATE, named=("fs-1",)) == [
        "the message does not name launch-template lt-1, which is still there"
    ]


def test_what_was_removed_has_to_be_gone() -> None:
    assert said(FILE_SYSTEM, named=("fs-1",), removed=("fs-1",)) == [
        "the message says that fs-1 was removed, which is still there"
    ]


def test_a_lane_goes_without_saying_as_long_as_something_is_pending() -> None:
    assert said(FILE_SYSTEM, LANE, pending=("fs-1",)) == []
    assert said(FILE_SYSTEM, LANE, named=("fs-1",)) == ["the message does not name lane lanes, which is still there"]


def test_an_execution_is_found_again_by_a_tag_that_cannot_hold_its_name() -> None:
    assert owner({"lustre-batch:execution": "arn:x:m:nightly=281=29=21=27=3Dx"}) == "arn:x:m:nightly(1)!'=x"
    assert owner({}) is None


def test_an_alarm_is_known_by_its_own_name_and_not_by_the_metric_that_two_may_share() -> None:
    assert alarm_of_the_stack("autoexport-run-failed-1a2b3c4") == "run-failed"
    assert alarm_of_the_stack("autoexport-clean-up-failed-1a2b3c4") == "clean-up-failed"
    assert alarm_of_the_stack("kept") == "kept"
    assert alarm_of_the_stack("of-somebody-else") == "of-somebody-else"
