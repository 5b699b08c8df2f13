"""IAM's decisions, element by element and operator by operator, as the IAM user guide describes them."""

from __future__ import annotations

import time
from typing import Any

import pytest

from rehearsal.aws.iam.evaluation import Decision, UnsupportedPolicy, evaluate

FILE_SYSTEM = "arn:aws:fsx:us-east-1:123456789012:file-system/fs-1"


def statement(effect: str = "Allow", **elements: Any) -> dict[str, Any]:
    defaults: dict[str, Any] = {"Effect": effect}
    if "NotAction" not in elements:
        defaults["Action"] = "fsx:*"
    if "NotResource" not in elements:
        defaults["Resource"] = "*"
    return {**defaults, **elements}


def policy(*statements: dict[str, Any], version: str = "2012-10-17") -> dict[str, Any]:
    return {"Version": version, "Statement": list(statements)}


def allowed(*statements: dict[str, Any], action: str = "fsx:DeleteFileSystem", **context: Any) -> bool:
    return evaluate([policy(*statements)], action, FILE_SYSTEM, context.get("context", {})).allowed


def test_what_no_statement_allows_is_denied() -> None:
    decision = evaluate([], "fsx:DeleteFileSystem", FILE_SYSTEM, {})
    assert decision == Decision(False, f"no identity-based policy allows fsx:DeleteFileSystem on {FILE_SYSTEM}", None)


def test_an_allow_names_its_statement() -> None:
    decision = evaluate([policy(statement(Sid="Mine"))], "fsx:DeleteFileSystem", FILE_SYSTEM, {})
    assert decision == Decision(True, f"statement Mine allows fsx:DeleteFileSystem on {FILE_SYSTEM}", "Mine")


@pytest.mark.parametrize("denied_first", [True, False])
def test_an_explicit_deny_wins_wherever_it_stands(denied_first: bool) -> None:
    policies = [policy(statement("Deny", Sid="Never")), policy(statement(Sid="Mine"))]
    decision = evaluate(policies if denied_first else policies[::-1], "fsx:DeleteFileSystem", FILE_SYSTEM, {})
    assert (decision.allowed, decision.statement) == (False, "Never")
    assert "explicit deny" in decision.reason


def test_of_several_allows_the_first_is_named() -> None:
    both = policy(statement(Sid="First"), statement(Sid="Second"))
    assert evaluate([both], "fsx:X", "*", {}).statement == "First"


def test_a_single_statement_needs_no_list() -> None:
    assert evaluate([{"Version": "2012-10-17", "Statement": statement()}], "fsx:X", "*", {}).allowed


def test_of_several_resources_every_one_has_to_be_allowed() -> None:
    mine = policy(statement(Resource=[FILE_SYSTEM, FILE_SYSTEM + "2"]))
    assert evaluate([mine], "fsx:X", [FILE_SYSTEM, FILE_SYSTEM + "2"], {}).allowed
    refused = evaluate([mine], "fsx:X", [FILE_SYSTEM, FILE_SYSTEM + "3"], {})
    assert not refused.allowed
    assert refused.reason.endswith(FILE_SYSTEM + "3")
    with pytest.raises(ValueError, match="no resource"):
        evaluate([mine], "fsx:X", [], {})


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("fsx:DeleteFileSystem", True),
        ("FSX:deletefilesystem", True),
        ("fsx:Delete*", True),
        ("fsx:Delete?ileSystem", True),
        ("fsx:Delete?FileSystem", False),
        ("*", True),
        ("fsx:Delete", False),
        ("ec2:*", False),
        (["ec2:*", "fsx:D*"], True),
    ],
)
def test_actions_match_with_wildcards_in_any_case(pattern: str | list[str], expected: bool) -> None:
    assert allowed(statement(Action=pattern)) is expected
    assert allowed(statement(NotAction=pattern)) is not expected


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (FILE_SYSTEM, True),
        (FILE_SYSTEM.upper(), False),
        ("arn:aws:fsx:*:123456789012:file-system/*", True),
        ("arn:aws:fsx:us-east-1:123456789012:file-system/fs-?", True),
        ("arn:aws:fsx:us-east-1:123456789012:file-system/fs-1?", False),
        ("arn:aws:fsx:*", True),
        ("arn:*:file-system/fs-1", True),
        ("arn:aws:f*2:file-system/fs-1", False),  # within a segment a * does not cross its colons
        ("arn:aws:fsx:us-east-1:999999999999:file-system/fs-1", False),
    ],
)
def test_resources_match_with_wildcards_in_their_segments(pattern: str, expected: bool) -> None:
    assert allowed(statement(Resource=pattern)) is expected
    assert allowed(statement(NotResource=pattern)) is not expected


# operator, policy value(s), context value(s) or None for a missing key, expected
OPERATORS: list[tuple[str, Any, Any, bool]] = [
    ("StringEquals", "blue", "blue", True),
    ("StringEquals", "blue", "Blue", False),
    ("StringEquals", "bl*", "blue", False),
    ("StringEquals", ["red", "blue"], "blue", True),
    ("StringEquals", "blue", None, False),
    ("StringEqualsIfExists", "blue", None, True),
    ("StringEqualsIfExists", "blue", "red", False),
    ("StringNotEquals", "blue", "red", True),
    ("StringNotEquals", ["red", "blue"], "red", False),
    ("StringNotEquals", "blue", None, True),
    ("StringNotEquals", "blue", ["blue", "red"], False),
    ("StringEqualsIgnoreCase", "BLUE", "blue", True),
    ("StringEqualsIgnoreCase", "BLUE", "red", False),
    ("StringNotEqualsIgnoreCase", "BLUE", "blue", False),
    ("StringNotEqualsIgnoreCase", "BLUE", "red", True),
    ("StringLike", "bl*", "blue", True),
    ("StringLike", "b?ue", "blue", True),
    ("StringLike", "b?ue", "bue", False),
    ("StringLike", "BL*", "blue", False),
    ("StringLike", "a.c", "abc", False),
    ("StringLike", "a*c", "a\nc", True),
    ("StringLike", "*", None, False),
    ("StringLikeIfExists", "bl*", None, True),
    ("StringNotLike", "bl*", "blue", False),
    ("StringNotLike", "bl*", "red", True),
    ("StringNotLike", "bl*", None, True),
    ("ArnLike", "arn:aws:fsx:*:*:file-system/fs-*", FILE_SYSTEM, True),
    ("ArnEquals", "arn:aws:fsx:*:*:file-system/fs-*", FILE_SYSTEM, True),
    ("ArnLike", "arn:aws:*:file-system/fs-1", FILE_SYSTEM, False),
    ("ArnLike", "arn:aws:fsx:*:*:task/*", FILE_SYSTEM, False),
    ("ArnLike", "arn:aws:fsx:*:*:*", "not-an-arn", False),
    ("ArnLike", "not-an-arn", "not-an-arn", False),
    ("ArnNotLike", "arn:aws:fsx:*:*:task/*", FILE_SYSTEM, True),
    ("ArnNotEquals", FILE_SYSTEM, FILE_SYSTEM, False),
    ("Bool", "true", "True", True),
    ("Bool", True, "true", True),
    ("Bool", "false", "true", False),
    ("Bool", "true", None, False),
    ("BoolIfExists", "true", None, True),
    ("Null", "true", None, True),
    ("Null", "true", "x", False),
    ("Null", "false", "x", True),
    ("Null", "false", None, False),
    ("Null", "true", [], True),
    ("NumericEquals", "10", "10.0", True),
    ("NumericEquals", 10, "11", False),
    ("NumericNotEquals", 10, "11", True),
    ("NumericNotEquals", 10, None, True),
    ("NumericLessThan", 10, "9", True),
    ("NumericLessThan", 10, "10", False),
    ("NumericLessThanEquals", 10, "10", True),
    ("NumericLessThanEquals", 10, "11", False),
    ("NumericGreaterThan", 10, "10", False),
    ("NumericGreaterThan", 9, "10", True),
    ("NumericGreaterThanEquals", 10, "10", True),
    ("NumericGreaterThanEquals", 10, "9", False),
    ("NumericEquals", 10, "ten", False),
    ("DateEquals", "2026-01-15T09:00:00Z", "1768467600", True),
    ("DateNotEquals", "2026-01-15T09:00:00Z", "1768467600", False),
    ("DateLessThan", "2026-01-15", "2026-01-14T23:59:59Z", True),
    ("DateLessThan", "2026-01-15", "2026-01-15T00:00:00Z", False),
    ("DateLessThanEquals", "2026-01-15", "2026-01-15T00:00:00Z", True),
    ("DateGreaterThan", "2026-01-15", "2026-01-15T00:00:01Z", True),
    ("DateGreaterThanEquals", "2026-01-15", "2026-01-14T23:59:59Z", False),
    ("DateGreaterThan", "2026-01-15", None, False),
    ("ForAllValues:StringEquals", ["a", "b"], ["a", "b", "a"], True),
    ("ForAllValues:StringEquals", ["a", "b"], ["a", "c"], False),
    ("ForAllValues:StringEquals", ["a"], None, True),
    ("ForAllValues:StringNotEquals", ["a"], ["b", "c"], True),
    ("ForAllValues:StringNotEquals", ["a"], ["b", "a"], False),
    ("ForAnyValue:StringEquals", ["a"], ["c", "a"], True),
    ("ForAnyValue:StringEquals", ["a"], ["b", "c"], False),
    ("ForAnyValue:StringEquals", ["a"], None, False),
    ("ForAnyValue:StringNotEquals", ["a"], ["a", "b"], True),
    ("ForAnyValue:StringNotEquals", ["a"], ["a"], False),
    ("ForAnyValue:StringNotEquals", ["a"], None, False),
    ("ForAnyValue:StringLikeIfExists", ["a*"], None, True),
    ("ForAllValues:StringLike", "a*", ["ab", "ac"], True),
]


@pytest.mark.parametrize(("operator", "wanted", "given", "expected"), OPERATORS)
def test_a_condition_holds_as_the_guide_says(operator: str, wanted: Any, given: Any, expected: bool) -> None:
    context = {} if given is None else {"key": given}
    assert allowed(statement(Condition={operator: {"key": wanted}}), context=context) is expected


def test_dates_without_a_zone_are_utc_wherever_the_rehearsal_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        condition = {"DateEquals": {"key": "2026-01-15T09:00:00"}}
        assert allowed(statement(Condition=condition), context={"key": "1768467600"})
    finally:
        monkeypatch.undo()
        time.tzset()


def test_all_operators_and_all_keys_of_a_condition_have_to_hold() -> None:
    both = statement(Condition={"StringEquals": {"a": "1", "b": "2"}, "Bool": {"c": "true"}})
    assert allowed(both, context={"a": "1", "b": "2", "c": "true"})
    for key in "abc":
        assert not allowed(both, context={"a": "1", "b": "2", "c": "true", key: "no"})


def test_condition_keys_have_no_case() -> None:
    condition = {"StringEquals": {"aws:ResourceTag/lustre-batch:stack": "mine"}}
    assert allowed(statement(Condition=condition), context={"AWS:resourcetag/lustre-batch:stack": "mine"})


def test_a_deny_with_a_negated_condition_meets_requests_without_the_key() -> None:
    guarded = statement("Deny", Condition={"StringNotEquals": {"aws:ResourceTag/stack": "mine"}})
    assert not allowed(statement(), guarded)
    assert allowed(statement(), guarded, context={"aws:ResourceTag/stack": "mine"})


class TestVariables:
    """`${…}` in resources and condition values."""

    def test_a_variable_is_filled_in_from_the_context(self) -> None:
        resource = "arn:aws:fsx:us-east-1:123456789012:file-system/${aws:PrincipalTag/fs}"
        assert allowed(statement(Resource=resource), context={"aws:principaltag/FS": "fs-1"})
        assert not allowed(statement(Resource=resource), context={"aws:PrincipalTag/fs": "fs-2"})

    def test_what_a_variable_brings_in_is_text_and_no_wildcard(self) -> None:
        resource = "arn:aws:fsx:us-east-1:123456789012:file-system/${aws:PrincipalTag/fs}"
        assert not allowed(statement(Resource=resource), context={"aws:PrincipalTag/fs": "*"})
        assert not allowed(statement(Condition={"StringLike": {"a": "${b}"}}), context={"a": "xyz", "b": "*"})

    @pytest.mark.parametrize("operator", ["StringEquals", "StringLike", "StringEqualsIgnoreCase", "ArnLike"])
    def test_a_variable_without_a_value_matches_nothing(self, operator: str) -> None:
        value = "arn:aws:fsx:us-east-1:123456789012:${missing}"
        assert not allowed(statement(Condition={operator: {"a": value}}), context={"a": value})
        assert not allowed(statement(Resource="arn:aws:fsx:us-east-1:123456789012:file-system/${missing}*"))

    def test_a_variable_may_have_a_default(self) -> None:
        condition = {"StringEquals": {"a": "${aws:PrincipalTag/team, 'none'}"}}
        assert allowed(statement(Condition=condition), context={"a": "none"})
        assert allowed(statement(Condition=condition), context={"a": "x", "aws:PrincipalTag/team": "x"})

    def test_a_key_with_several_values_fills_in_nothing(self) -> None:
        condition = {"StringEquals": {"a": "${b}"}}
        assert not allowed(statement(Condition=condition), context={"a": "1", "b": ["1", "2"]})

    def test_special_characters_are_written_as_variables(self) -> None:
        assert allowed(statement(Condition={"StringLike": {"a": "a${*}b${?}c${$}*"}}), context={"a": "a*b?c$d"})
        assert not allowed(statement(Condition={"StringLike": {"a": "a${*}b"}}), context={"a": "axb"})

    def test_policies_before_2012_have_no_variables(self) -> None:
        old = policy(statement(Condition={"StringEquals": {"a": "${b}"}}), version="2008-10-17")
        assert evaluate([old], "fsx:X", "*", {"a": "${b}", "b": "1"}).allowed
        assert not evaluate([old], "fsx:X", "*", {"a": "1", "b": "1"}).allowed


@pytest.mark.parametrize(
    "elements",
    [
        {"Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}},
        {"Condition": {"ForSomeValues:StringEquals": {"a": "b"}}},
        {"Principal": "*"},
        {"NotAction": "fsx:*", "Action": "fsx:*"},
        {"NotResource": "*", "Resource": "*"},
        {"Effect": "allow"},
    ],
)
def test_what_the_evaluator_does_not_know_is_an_error_and_never_a_permission(elements: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedPolicy):
        allowed(statement(**elements), context={"aws:SourceIp": "10.0.0.1", "a": "b"})
