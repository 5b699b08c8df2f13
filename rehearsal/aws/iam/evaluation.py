"""IAM's decision on one request. Owns the evaluation of identity policies as the IAM user guide documents it ("Policy
evaluation logic", "IAM JSON policy elements"). It must never guess: an element or operator it does not know is an
error, because ignoring it could turn a denial into a permission."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

Context = Mapping[str, str | Sequence[str]]
Keys = dict[str, list[str]]
ELEMENTS = {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"}


class UnsupportedPolicy(ValueError):
    """A policy holds something that identity policies do not have, or that this evaluator does not know."""


class Decision(NamedTuple):
    """What IAM decides, why, and by which statement."""

    allowed: bool
    reason: str
    statement: str | None


def evaluate(policies: list[dict[str, Any]], action: str, resource: str | list[str], context: Context) -> Decision:
    """Decide on one action. With several resources every one of them has to be allowed.

    Parameters
    ----------
    policies
        All identity policies of the principal, as documents.
    action, resource
        `service:Operation`, and the ARNs it works on (`*` for an action without resource-level permissions).
    context
        Condition keys, in any case, with one value or a list.

    Raises
    ------
    UnsupportedPolicy
    """
    keys = {key.lower(): [value] if isinstance(value, str) else list(value) for key, value in context.items()}
    resources = [resource] if isinstance(resource, str) else resource
    if not resources:
        raise ValueError(f"{action}: no resource to decide on")
    decisions = [_decide(policies, action, arn, keys) for arn in resources]
    return next((decision for decision in decisions if not decision.allowed), decisions[0])


def _decide(policies: list[dict[str, Any]], action: str, resource: str, keys: Keys) -> Decision:
    allowed: Decision | None = None
    for policy in policies:
        variables = keys if policy.get("Version") == "2012-10-17" else None  # older policies have no variables
        for statement in _list(policy["Statement"]):
            effect = _check(statement)
            if effect == "Allow" and allowed is not None:
                continue
            if not _applies(statement, action, resource, keys, variables):
                continue
            sid = statement.get("Sid")
            if effect == "Deny":
                return Decision(False, f"an explicit deny in statement {sid} forbids {action} on {resource}", sid)
            allowed = Decision(True, f"statement {sid} allows {action} on {resource}", sid)
    return allowed or Decision(False, f"no identity-based policy allows {action} on {resource}", None)


def _check(statement: Mapping[str, Any]) -> str:
    unknown = set(statement) - ELEMENTS
    if unknown:
        raise UnsupportedPolicy(f"{sorted(unknown)} in statement {statement.get('Sid')}: no part of an identity policy")
    for one, other in (("Action", "NotAction"), ("Resource", "NotResource")):
        if (one in statement) == (other in statement):
            raise UnsupportedPolicy(f"statement {statement.get('Sid')}: exactly one of {one} and {other} is needed")
    if statement.get("Effect") not in ("Allow", "Deny"):
        raise UnsupportedPolicy(f"statement {statement.get('Sid')}: Effect is Allow or Deny")
    return str(statement["Effect"])


def _applies(statement: Mapping[str, Any], action: str, resource: str, keys: Keys, variables: Keys | None) -> bool:
    actions = _list(statement.get("Action", statement.get("NotAction")))
    if any(_matches(pattern.lower(), action.lower(), None) for pattern in actions) != ("Action" in statement):
        return False
    patterns = _list(statement.get("Resource", statement.get("NotResource")))
    if any(_resource_matches(pattern, resource, variables) for pattern in patterns) != ("Resource" in statement):
        return False
    return all(
        _condition(operator, key, _texts(values), keys, variables)
        for operator, tests in statement.get("Condition", {}).items()
        for key, values in tests.items()
    )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _texts(values: Any) -> list[str]:
    return [str(value).lower() if isinstance(value, bool) else str(value) for value in _list(values)]


# "Policy variables": ${key}, ${key, 'default'}, and ${*}, ${?}, ${$} for the characters themselves.
_TOKEN = re.compile(r"\$\{([^}]*)\}|([*?])|([^$*?]+|\$)")


@functools.lru_cache(maxsize=4096)
def _tokens(pattern: str) -> tuple[tuple[str, str, str], ...]:
    return tuple((match[1] or "", match[2] or "", match[3] or "") for match in _TOKEN.finditer(pattern))


def _variable(name: str, variables: Keys) -> str | None:
    if name in ("*", "?", "$"):
        return name
    key, comma, default = name.partition(",")
    values = variables.get(key.strip().lower())
    if values is not None and len(values) == 1:
        return values[0]
    return default.strip().strip("'") if comma else None


def _literal(pattern: str, variables: Keys | None) -> str | None:
    """Return the text with its variables filled in; None when one of them has no value."""
    if variables is None or "${" not in pattern:
        return pattern
    parts = [_variable(name, variables) if name else wild + text for name, wild, text in _tokens(pattern)]
    return None if None in parts else "".join(part for part in parts if part is not None)


@functools.lru_cache(maxsize=4096)
def _compiled(regex: str) -> re.Pattern[str]:
    return re.compile(regex, re.DOTALL)


def _matches(pattern: str, value: str, variables: Keys | None, star: Callable[[str], str] = lambda _: ".*") -> bool:
    """Match with wildcards; what a variable brings in is text. `star` says what `*` spans, given what follows it."""
    if pattern == "*":
        return True
    tokens = _tokens(pattern)
    regex = ""
    for index, (name, wild, text) in enumerate(tokens):
        if name and variables is not None:
            filled = _variable(name, variables)
            if filled is None:
                return False
            regex += re.escape(filled)
        elif name:
            regex += re.escape("${" + name + "}")
        elif wild:
            rest = "".join(tokens[index + 1]) if index + 1 < len(tokens) else ""
            regex += star(rest) if wild == "*" else "."
        else:
            regex += re.escape(text)
    return _compiled(regex).fullmatch(value) is not None


def _resource_matches(pattern: str, resource: str, variables: Keys | None) -> bool:
    # "IAM JSON policy elements: Resource": a * stays within its segment, unless it is the segment's last character.
    return _matches(pattern, resource, variables, lambda rest: ".*" if rest == "" or rest[0] == ":" else "[^:]*")


def _arn_matches(pattern: str, value: str, variables: Keys | None) -> bool:
    # "Condition operators", ARN: each of the six components is matched on its own; Equals and Like are the same.
    wanted, given = pattern.split(":", 5), value.split(":", 5)
    return len(wanted) == len(given) == 6 and all(
        _matches(part, text, variables) for part, text in zip(wanted, given, strict=True)
    )


def _equals(pattern: str, value: str, variables: Keys | None) -> bool:
    return _literal(pattern, variables) == value


def _equals_ignoring_case(pattern: str, value: str, variables: Keys | None) -> bool:
    wanted = _literal(pattern, variables)
    return wanted is not None and wanted.lower() == value.lower()


def _bool(pattern: str, value: str, _: Keys | None) -> bool:
    return pattern.lower() == value.lower()


def _number(text: str) -> float:
    return float(text)


def _instant(text: str) -> float:
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    parsed = datetime.fromisoformat(text)
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()


def _compare(read: Callable[[str], float], holds: Callable[[float, float], bool]) -> Callable[..., bool]:
    def test(pattern: str, value: str, _: Keys | None) -> bool:
        try:
            given = read(value)
        except ValueError:  # the request's value is no number: nothing it could be compared with
            return False
        return holds(given, read(pattern))

    return test


COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "Equals": lambda given, wanted: given == wanted,
    "LessThan": lambda given, wanted: given < wanted,
    "LessThanEquals": lambda given, wanted: given <= wanted,
    "GreaterThan": lambda given, wanted: given > wanted,
    "GreaterThanEquals": lambda given, wanted: given >= wanted,
}
OPERATORS: dict[str, Callable[..., bool]] = {
    "StringEquals": _equals,
    "StringEqualsIgnoreCase": _equals_ignoring_case,
    "StringLike": _matches,
    "ArnEquals": _arn_matches,
    "ArnLike": _arn_matches,
    "Bool": _bool,
    **{f"Numeric{name}": _compare(_number, holds) for name, holds in COMPARISONS.items()},
    **{f"Date{name}": _compare(_instant, holds) for name, holds in COMPARISONS.items()},
}
NEGATED = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
    "NumericNotEquals": "NumericEquals",
    "DateNotEquals": "DateEquals",
}


def _condition(operator: str, key: str, patterns: list[str], keys: Keys, variables: Keys | None) -> bool:
    quantifier, _, name = operator.rpartition(":")
    given = keys.get(key.lower())
    if name == "Null" and not quantifier:
        return any((pattern.lower() == "true") == (not given) for pattern in patterns)
    if_exists = name.endswith("IfExists")
    name = name.removesuffix("IfExists")
    negated = name in NEGATED
    test = OPERATORS.get(NEGATED.get(name, name))
    if test is None or quantifier not in ("", "ForAllValues", "ForAnyValue"):
        raise UnsupportedPolicy(f"condition operator {operator}")

    def holds(value: str) -> bool:
        return any(test(pattern, value, variables) for pattern in patterns) != negated

    if not given:  # "Condition operators": a missing key fails a test, passes a negated one, and ForAllValues
        return if_exists or quantifier == "ForAllValues" or (negated and quantifier == "")
    every = quantifier == "ForAllValues" or (negated and quantifier == "")
    return _quantify(every, (holds(value) for value in given))


def _quantify(every: bool, results: Iterable[bool]) -> bool:
    return all(results) if every else any(results)
