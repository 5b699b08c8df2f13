"""Whether a bucket's policy keeps FSx from it. Owns the judgement of what it denies: of each statement, that it holds
for FSx, that it does not, or that it cannot be told from here. It never guesses, and asks AWS nothing.

An account's own bucket needs no policy that allows anything: the roles' policies do.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

Verdict = bool | None  # whether something holds; None: it cannot be told
# Of a condition key: what its value may be; None among them: that there is none.
Known = Mapping[str, tuple[str | None, ...]]

# AWS re:Post, linking a bucket of another account: what its policy has to allow FSx's role, and whoever links it. Of
# the families that are named there, the calls without which nothing is read or written.
ON_BUCKET: Final = ("s3:ListBucket", "s3:GetBucketNotification", "s3:PutBucketNotification")
ON_OBJECTS: Final = ("s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload")
OF_CALLER: Final = ("s3:ListBucket", "s3:GetObject", "s3:PutObject")

_EVERY_CALL: Final[Known] = {
    "aws:securetransport": ("true",),
    "aws:principaltype": ("AssumedRole",),
    "aws:principalisawsservice": ("false",),  # IAM guide, global condition keys: not of a service-linked role
    # S3 guide, data protection: TLS 1.2 is the least that S3 takes.
    "s3:tlsversion": ("1.2", "1.3"),
    # FSx reaches S3 from outside of the VPC: policies with these conditions break the link (docs/limits.md).
    "aws:sourcevpc": (None,),
    "aws:sourcevpce": (None,),
}
_FSX_CALL: Final[Known] = {
    "aws:viaawsservice": ("false",),  # IAM guide, global condition keys: not of a service-linked role
    # FSx guide, working with server-side encrypted buckets: FSx leaves the encryption to the bucket's default, which S3
    # applies after the policy (S3 guide, requiring server-side encryption).
    "s3:x-amz-server-side-encryption": (None,),
    "s3:x-amz-server-side-encryption-aws-kms-key-id": (None,),
}


@dataclass(frozen=True)
class Caller:
    """Who calls S3, and what is known of its calls."""

    arn: str
    actions: tuple[str, ...]
    known: Known

    @property
    def account_id(self) -> str:
        return self.arn.split(":")[4]


@dataclass(frozen=True)
class Denial:
    """A statement that denies something, if it is known that it does: all of it, or what these resources name."""

    statement: str
    caller: Caller
    actions: tuple[str, ...]
    is_certain: bool
    depends_on: tuple[str, ...] = ()
    part: tuple[str, ...] = ()


def fsx_role(partition: str, account_id: str) -> Caller:
    """The role that FSx makes for a linked file system; the next one has a name and an id that nobody knows yet."""
    service = "s3.data-source.lustre.fsx.amazonaws.com"
    name = "AWSServiceRoleForFSxS3Access_fs-0123456789abcdef0"
    arn = f"arn:{partition}:iam::{account_id}:role/aws-service-role/{service}/{name}"
    return Caller(arn, (*ON_BUCKET, *ON_OBJECTS), {**_of_role(arn), **_FSX_CALL, "aws:userid": ("AROANEXTROLE:fsx",)})


def linking_role(arn: str) -> Caller:
    """The role that links a bucket, as which FSx makes sure that it may be used."""
    return Caller(arn, OF_CALLER, _of_role(arn))


def _of_role(arn: str) -> dict[str, tuple[str | None, ...]]:
    return {**_EVERY_CALL, "aws:principalarn": (arn,), "aws:principalaccount": (arn.split(":")[4],)}


def denials(policy: Mapping[str, Any], bucket_arn: str, prefix: str, callers: Iterable[Caller]) -> list[Denial]:
    """What a policy denies these callers of a bucket, or of everything below a prefix of it; or may deny them."""
    statements = listed(policy.get("Statement", []))
    found = []
    for caller in callers:
        for number, statement in enumerate(statements, 1):
            if statement.get("Effect") != "Deny":
                continue
            denied: dict[tuple[str, ...], list[str]] = {}
            for action in caller.actions:
                if (part := _denied(statement, action, bucket_arn, prefix)) is not None:
                    denied.setdefault(part, []).append(action)
            conditions = list(conditions_of(statement.get("Condition", {}), caller.known))
            verdicts = [_is_meant(statement, caller), *(verdict for _, verdict in conditions)]
            if False in verdicts:
                continue
            unknown = tuple(key for key, verdict in conditions if verdict is None) or ("who is meant",)
            name = statement.get("Sid") or f"number {number}"
            is_certain = None not in verdicts
            found += [
                Denial(name, caller, tuple(actions), is_certain, () if is_certain else unknown, part)
                for part, actions in denied.items()
            ]
    return found


# ---------------------------------------------------------------------- what a statement is about
def _denied(statement: Mapping[str, Any], action: str, bucket_arn: str, prefix: str) -> tuple[str, ...] | None:
    """Of an action on the bucket, or on the objects below the prefix: nothing (None), all (empty), or the resources
    that name the part."""
    actions = listed(statement.get("Action", statement.get("NotAction", [])))
    if any(like(one.lower(), action.lower()) for one in actions) != ("Action" in statement):
        return None
    resources = listed(statement.get("Resource", statement.get("NotResource", [])))
    meet = _is_bucket if action in ON_BUCKET else _are_objects
    resource = bucket_arn if action in ON_BUCKET else f"{bucket_arn}/{prefix}"
    verdicts = {one: meet(one, resource) for one in resources}
    part = tuple(one for one, verdict in verdicts.items() if verdict is None)
    if "NotResource" in statement:
        return None if True in verdicts.values() else tuple(f"all but {one}" for one in part)
    return () if True in verdicts.values() else part or None


def _is_bucket(pattern: str, bucket_arn: str) -> Verdict:
    sure, rests = _rests(pattern, bucket_arn)
    return (True if sure else None) if any(not rest.strip("*") for rest in rests) else False


def _are_objects(pattern: str, start: str) -> Verdict:
    """Whether a pattern is about every object whose ARN begins so, or about none; None: about some."""
    sure, rests = _rests(pattern, start)
    if sure and any("*" in rest and rest.count("?") <= 1 and not rest.strip("*?") for rest in rests):
        return True
    return None if any(rests) else False


def _rests(pattern: str, text: str) -> tuple[bool, set[str]]:
    """What may be left of a pattern once a text has met its beginning; not for sure, where it has variables."""
    plain = re.sub(r"\$\{[^}]*\}", "*", pattern)
    places = _with_stars(plain, {0})
    for sign in text:
        met = {place for place in places if plain[place : place + 1] in ("*", "?", sign)}
        places = _with_stars(plain, {place if plain[place] == "*" else place + 1 for place in met})
    return plain == pattern, {plain[place:] for place in places}


def _with_stars(pattern: str, places: set[int]) -> set[int]:
    """A star may also stand for nothing."""
    found = set(places)
    for place in places:
        while pattern[place : place + 1] == "*":
            place += 1
            found.add(place)
    return found


def _is_meant(statement: Mapping[str, Any], caller: Caller) -> Verdict:
    """IAM guide, Principal and NotPrincipal: a denial of an account is one of all that is in it."""
    if "NotPrincipal" in statement:
        named = [_is_named(kind, one, caller) for kind, one in _principals(statement["NotPrincipal"])]
        return False if True in named else None if None in named else True
    named = [
        True if _is_account(one, caller) else _is_named(kind, one, caller)
        for kind, one in _principals(statement.get("Principal", {}))
    ]
    return True if True in named else None if None in named else False


def _principals(given: Any) -> Iterable[tuple[str, str]]:
    if isinstance(given, str):
        given = {"AWS": given}
    return [(kind, one) for kind, values in given.items() for one in listed(values)]


def _is_named(kind: str, principal: str, caller: Caller) -> Verdict:
    if kind in ("Service", "Federated"):
        return False
    if kind != "AWS" or _is_account(principal, caller):
        return None
    return principal in ("*", caller.arn)


def _is_account(principal: str, caller: Caller) -> bool:
    return (
        principal == caller.account_id
        or re.fullmatch(rf"arn:[^:]+:iam::{caller.account_id}:root", principal) is not None
    )


# ---------------------------------------------------------------------- conditions
def conditions_of(given: Mapping[str, Any], known: Known) -> Iterable[tuple[str, Verdict]]:
    for operator, tests in given.items():
        for key, values in tests.items():
            possible = known.get(key.lower())
            yield key, None if possible is None else _holds(operator, listed(values), possible)


def _holds(operator: str, patterns: list[Any], possible: tuple[str | None, ...]) -> Verdict:
    texts = [str(one).lower() if isinstance(one, bool) else str(one) for one in patterns]
    if any("${" in one for one in texts):
        return None
    results = {_test(operator, texts, value) for value in possible}
    return results.pop() if len(results) == 1 else None


def _test(operator: str, patterns: list[str], value: str | None) -> Verdict:
    """IAM guide, condition operators: a key that is missing fails a test, passes a negated one, ForAllValues and
    IfExists."""
    quantifier, _, name = operator.rpartition(":")
    if name == "Null":
        return any((one == "true") == (value is None) for one in patterns)
    may_lack = name.endswith("IfExists") or quantifier == "ForAllValues"
    name = name.removesuffix("IfExists")
    positive = name.replace("Not", "", 1)
    test = _TESTS.get(positive)
    if test is None or quantifier not in ("", "ForAllValues", "ForAnyValue"):
        return None
    if value is None:
        return may_lack or (name != positive and not quantifier)
    return any(test(one, value) for one in patterns) != (name != positive)


def like(pattern: str, text: str) -> bool:
    regex = "".join({"*": ".*", "?": "."}.get(sign, re.escape(sign)) for sign in pattern)
    return re.fullmatch(regex, text, re.S) is not None


def _number(compare: Callable[[float, float], bool]) -> Callable[[str, str], bool]:
    return lambda wanted, value: compare(float(value), float(wanted))


_TESTS: Final[dict[str, Callable[[str, str], bool]]] = {
    "StringEquals": lambda wanted, value: wanted == value,
    "StringEqualsIgnoreCase": lambda wanted, value: wanted.lower() == value.lower(),
    "StringLike": like,
    "ArnEquals": like,
    "ArnLike": like,
    "Bool": lambda wanted, value: wanted.lower() == value.lower(),
    "NumericEquals": _number(lambda value, wanted: value == wanted),
    "NumericLessThan": _number(lambda value, wanted: value < wanted),
    "NumericLessThanEquals": _number(lambda value, wanted: value <= wanted),
    "NumericGreaterThan": _number(lambda value, wanted: value > wanted),
    "NumericGreaterThanEquals": _number(lambda value, wanted: value >= wanted),
}


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
