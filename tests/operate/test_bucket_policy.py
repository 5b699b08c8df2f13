"""What a bucket's policy denies FSx: told where it can be, as the embedded AWS has it, and not guessed where not."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any, Final

import pytest
from lustre_batch.operate.bucket_policy import denials, fsx_role, linking_role

from rehearsal.aws.iam.bucket_access import BucketAccess

ACCOUNT: Final = "123456789012"
BUCKET: Final = "arn:aws:s3:::results"
ALL: Final = [BUCKET, f"{BUCKET}/*"]
FSX: Final = fsx_role("aws", ACCOUNT)
RUN: Final = linking_role(f"arn:aws:iam::{ACCOUNT}:role/run-1a2b3c")
SERVICE: Final = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/s3.data-source.lustre.fsx.amazonaws.com/*"
UNENCRYPTED: Final = {"Null": {"s3:x-amz-server-side-encryption": "true"}}
NOT_KMS: Final = {"StringNotEquals": {"s3:x-amz-server-side-encryption": "aws:kms"}}
BY_HTTP: Final = {"Bool": {"aws:SecureTransport": "false"}}


def deny(principal: Any = "*", action: Any = "s3:*", resource: Any = ALL, **more: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Principal": principal, "Action": action, "Resource": resource, **more}


def without(statement: dict[str, Any], key: str, **more: Any) -> dict[str, Any]:
    return {name: value for name, value in statement.items() if name != key} | more


HITS: Final = {
    "everybody": deny(),
    "everybody, in the other form": deny({"AWS": "*"}, "s3:PutObject"),
    "the account": deny({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}),
    "the account by its number": deny({"AWS": ["210987654321", ACCOUNT]}),
    "everybody but somebody": without(deny(), "Principal", NotPrincipal={"AWS": f"arn:aws:iam::{ACCOUNT}:role/people"}),
    "everybody but a service": without(deny(), "Principal", NotPrincipal={"Service": "logging.s3.amazonaws.com"}),
    "puts without a header for encryption": deny(action="s3:PutObject", Condition=UNENCRYPTED),
    "puts that are not encrypted by KMS": deny(action="s3:PutObject", resource=f"{BUCKET}/*", Condition=NOT_KMS),
    "whoever is not of a VPC": deny(Condition={"StringNotEquals": {"aws:SourceVpc": "vpc-1"}}),
    "whoever comes by no endpoint": deny(Condition={"StringNotLike": {"aws:SourceVpce": ["vpce-1", "vpce-2"]}}),
    "every role but one": deny(Condition={"ArnNotEquals": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/people"}}),
    "every id but one": deny(Condition={"StringNotLike": {"aws:userid": ["AROAPEOPLE:*", ACCOUNT]}}),
    "deletions": deny(action=["s3:DeleteObject*"], resource=f"{BUCKET}/*"),
    "what is below the prefix": deny(action="s3:Get*", resource=f"{BUCKET}/runs/*"),
    "all but some calls": without(deny(), "Action", NotAction=["s3:List*", "s3:Get*"]),
    "all but some keys": without(deny(), "Resource", NotResource=[f"{BUCKET}/public/*"]),
    "notifications": deny(action="s3:PutBucketNotification", resource=BUCKET),
    "people, and not services": deny(Condition={"Bool": {"aws:PrincipalIsAWSService": "false"}}),
}
MISSES: Final = {
    "connections without TLS": deny(Condition=BY_HTTP),
    "old TLS": deny(Condition={"NumericLessThan": {"s3:TlsVersion": 1.2}}),
    "another account": deny({"AWS": "arn:aws:iam::210987654321:root"}),
    "a role": deny({"AWS": f"arn:aws:iam::{ACCOUNT}:role/people"}),
    "a service": deny({"Service": "cloudtrail.amazonaws.com"}),
    "every other role": deny(Condition={"ArnNotLike": {"aws:PrincipalArn": [SERVICE, RUN.arn]}}),
    "every other account": deny(Condition={"StringNotEquals": {"aws:PrincipalAccount": [ACCOUNT]}}),
    "what FSx never does": deny(action=["s3:DeleteBucket", "s3:PutBucketPolicy", "s3:DeleteObjectVersion"]),
    "all but what FSx does": without(deny(), "Action", NotAction="s3:*"),
    "other keys": deny(resource=f"{BUCKET}/private/*"),
    "all keys but these": without(deny(), "Resource", NotResource=[BUCKET, f"{BUCKET}/runs/*"]),
    "another bucket": deny(resource=["arn:aws:s3:::other", "arn:aws:s3:::other/*"]),
    "whoever comes by an endpoint": deny(Condition={"StringEquals": {"aws:SourceVpce": "vpce-1"}}),
    "whoever comes by no endpoint, without TLS": deny(
        Condition={"StringNotEquals": {"aws:SourceVpce": "vpce-1"}} | BY_HTTP
    ),
    "keys of one's own, if there is a header": deny(
        action="s3:PutObject", Condition={"StringNotEqualsIfExists": NOT_KMS["StringNotEquals"]} | BY_HTTP
    ),
}
UNKNOWN: Final = {
    "other addresses": (deny(Condition={"NotIpAddress": {"aws:SourceIp": "192.0.2.0/24"}}), "aws:SourceIp"),
    "other organisations": (
        deny(Condition={"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}}),
        "aws:PrincipalOrgID",
    ),
    "who has no tag": (
        deny(Condition={"StringNotEquals": {"aws:PrincipalTag/team": "cfd"}}),
        "aws:PrincipalTag/team",
    ),
    "TLS before 1.3": (deny(Condition={"NumericLessThan": {"s3:TlsVersion": "1.3"}}), "s3:TlsVersion"),
    "a variable": (deny(Condition={"StringEquals": {"aws:PrincipalArn": "${aws:x}"}}), "aws:PrincipalArn"),
    "a canonical user": (deny({"CanonicalUser": "79a5"}), "who is meant"),
    "everybody but the account": (without(deny(), "Principal", NotPrincipal={"AWS": ACCOUNT}), "who is meant"),
}


# Each with the run's prefix, what it names of what is below that, and a key that is among it.
PARTS: Final = {
    "an ending": (deny(action="s3:PutObject", resource=f"{BUCKET}/*.xlsx"), "runs/", f"{BUCKET}/*.xlsx", "runs/a.xlsx"),
    "an ending below the prefix": (
        deny(action="s3:GetObject", resource=f"{BUCKET}/runs/*.x"),
        "runs/",
        f"{BUCKET}/runs/*.x",
        "runs/.x",
    ),
    "a folder of the bucket": (
        deny(action="s3:Put*", resource=f"{BUCKET}/archive/*"),
        "",
        f"{BUCKET}/archive/*",
        "archive/x",
    ),
    "a folder of any folder": (
        deny(action="s3:PutObject", resource=["arn:aws:s3:::other/*", f"{BUCKET}/?*/x/*"]),
        "",
        f"{BUCKET}/?*/x/*",
        "a/x/x",
    ),
    "a folder of any folder, below a prefix": (
        deny(action="s3:PutObject", resource=f"{BUCKET}/?*/x/*"),
        "runs/",
        f"{BUCKET}/?*/x/*",
        "runs/x/x",
    ),
    "one key": (deny(action="s3:PutObject", resource=f"{BUCKET}/runs/x"), "runs/", f"{BUCKET}/runs/x", "runs/x"),
    "names of two characters at least": (
        deny(action="s3:PutObject", resource=f"{BUCKET}/runs/??*"),
        "runs/",
        f"{BUCKET}/runs/??*",
        "runs/xx",
    ),
    "all but some keys of the prefix": (
        without(deny(action="s3:PutObject"), "Resource", NotResource=f"{BUCKET}/runs/public/*"),
        "runs/",
        f"all but {BUCKET}/runs/public/*",
        "runs/x",
    ),
}


def embedded(statement: dict[str, Any], prefix: str = "runs/") -> str | None:
    """What the embedded AWS says of it."""
    policy = json.dumps({"Version": "2012-10-17", "Statement": statement}).encode()
    bucket = SimpleNamespace(policy=policy, arn=BUCKET)
    buckets: Any = SimpleNamespace(find=lambda name: bucket)
    return BucketAccess(buckets).refusal(FSX.arn, "results", prefix)


@pytest.mark.parametrize("name", HITS)
def test_a_denial_that_holds_for_fsx_is_told_and_the_embedded_aws_denies_it_too(name: str) -> None:
    (found,) = denials({"Statement": [{"Effect": "Allow"}, HITS[name]]}, BUCKET, "runs/", [FSX])
    assert (found.is_certain, found.part) == (True, ())
    assert found.actions
    assert found.statement == "number 2"
    assert embedded(HITS[name]) is not None


@pytest.mark.parametrize("name", MISSES)
def test_one_that_does_not_is_none_and_the_embedded_aws_denies_nothing(name: str) -> None:
    assert denials({"Statement": MISSES[name]}, BUCKET, "runs/", [FSX]) == []
    assert embedded(MISSES[name]) is None


@pytest.mark.parametrize("name", PARTS)
def test_a_denial_of_some_keys_is_told_with_what_it_names_and_the_embedded_aws_denies_such_a_key(name: str) -> None:
    statement, prefix, part, key = PARTS[name]
    (found,) = denials({"Statement": [statement]}, BUCKET, prefix, [FSX])
    assert (found.is_certain, found.part) == (True, (part,))
    assert embedded(statement, key.removesuffix("x")) is not None


def test_names_of_one_character_at_least_are_all_of_them() -> None:
    statement = deny(action="s3:PutObject", resource=f"{BUCKET}/?*")
    assert [one.part for one in denials({"Statement": [statement]}, BUCKET, "", [FSX])] == [()]


def test_a_variable_in_a_resource_may_name_any_part_of_it() -> None:
    resource = f"{BUCKET}/${{aws:PrincipalTag/team}}*"
    assert [one.part for one in denials({"Statement": [deny(resource=resource)]}, BUCKET, "", [FSX])] == [(resource,)]


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_cannot_be_told_is_not_guessed_and_it_is_said_what_it_depends_on(name: str) -> None:
    statement, depends_on = UNKNOWN[name]
    (found,) = denials({"Statement": [statement]}, BUCKET, "runs/", [FSX])
    assert (found.is_certain, found.depends_on) == (False, (depends_on,))


def test_what_is_denied_to_whoever_links_the_bucket_is_told_apart() -> None:
    statement = deny(Condition={"ArnNotLike": {"aws:PrincipalArn": SERVICE}}, action="s3:Put*")
    (found,) = denials({"Statement": [statement]}, BUCKET, "", [FSX, RUN])
    assert (found.caller, found.actions) == (RUN, ("s3:PutObject",))


def test_a_bucket_without_a_prefix_is_denied_as_a_whole_by_what_is_about_every_key_alone() -> None:
    some, every = deny(resource=f"{BUCKET}/runs/*"), deny(resource=f"{BUCKET}/*")
    assert [one.part for one in denials({"Statement": [some]}, BUCKET, "", [FSX])] == [(f"{BUCKET}/runs/*",)]
    assert [one.part for one in denials({"Statement": [every]}, BUCKET, "", [FSX])] == [()]
