"""Whether FSx can link the stack's bucket: its region, its policy, its event notifications. Owns these checks of
`doctor`; what a policy says is judged elsewhere (bucket_policy.py)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from botocore.exceptions import ClientError

from . import bucket_policy
from .bucket_policy import Denial
from .findings import OK, TROUBLE, UNKNOWN, Finding
from .problems import code_of
from .stack import Stack

# FSx guide, association lifecycle states: notifications that overlap with those of FSx, which it adds for automatic
# import: of objects that come, change or go (SDK AutoImportPolicy, Events).
_LISTENED: Final = ("s3:ObjectCreated:", "s3:ObjectRemoved:")
# FSx guide, the same: the configuration that FSx adds itself, for as long as a file system is linked.
_OWN: Final = "FSx"


def region(stack: Stack) -> Finding:
    """FSx guide, linking: a bucket in the file system's region."""
    name = stack.value("BucketName")
    # S3 API, GetBucketLocation: us-east-1 has none.
    place = stack.client("s3").get_bucket_location(Bucket=name).get("LocationConstraint") or "us-east-1"
    if place != stack.region:
        words = f"{name} is in {place}, and FSx links buckets of its own region, {stack.region}, alone"
        return Finding("bucket", TROUBLE, words, "adopt a bucket of that region (bucketName)")
    return Finding("bucket", OK, f"{name} is in {place}")


def policy(stack: Stack, defaults: Mapping[str, Any]) -> Finding:
    """Of the bucket alone: what the roles' policies say is for the deployment to see to."""
    check, name = "bucket policy", stack.value("BucketName")
    try:
        document = json.loads(stack.client("s3").get_bucket_policy(Bucket=name)["Policy"])
    except ClientError as error:
        if code_of(error) != "NoSuchBucketPolicy":
            raise
        return Finding(check, OK, f"{name} has none")
    partition = stack.arn.split(":")[1]
    fsx = bucket_policy.fsx_role(partition, stack.account_id)
    callers = (fsx, bucket_policy.linking_role(stack.role_arn))
    found = bucket_policy.denials(document, f"arn:{partition}:s3:::{name}", _prefix(stack, defaults), callers)
    service = fsx.arn.rpartition("/")[0]
    let_it = f"except these roles from it: ArnNotLike on aws:PrincipalArn, {service}/* and {stack.role_arn}"
    if certain := [one for one in found if one.is_certain and not one.part]:
        return Finding(check, TROUBLE, "; ".join(_said(one, fsx) for one in certain), let_it)
    words = ""
    if open_ones := [one for one in found if not one.is_certain]:
        depends = ", ".join(dict.fromkeys(key for one in open_ones for key in one.depends_on))
        statements = ", ".join(dict.fromkeys(one.statement for one in open_ones))
        words = f"whether it denies FSx anything cannot be told from here: statement {statements} depends on {depends}"
    if parts := [one for one in found if one.is_certain]:  # whether results get such names, nobody knows
        said = f"denies part of it: {'; '.join(_said(one, fsx) for one in parts)}"
        return Finding(check, UNKNOWN, f"{said}; {words}" if words else said, let_it)
    if words:
        return Finding(check, UNKNOWN, words)
    return Finding(check, OK, f"that of {name} denies FSx nothing")


def _said(denial: Denial, fsx: bucket_policy.Caller) -> str:
    whom = (
        "FSx's role" if denial.caller == fsx else "the run's role, with which FSx looks whether it may use the bucket,"
    )
    where = f" on {', '.join(denial.part)}" if denial.part else ""
    return f"statement {denial.statement} denies {whom} {', '.join(denial.actions)}{where}"


def events(stack: Stack, defaults: Mapping[str, Any]) -> Finding:
    """Of objects that FSx wants to hear of: S3 tells one receiver of each (S3 guide, overlapping prefixes)."""
    check, name = "bucket events", stack.value("BucketName")
    answer = stack.client("s3").get_bucket_notification_configuration(Bucket=name)
    prefix = _prefix(stack, defaults)
    there = list(_configured(answer))
    overlapping = [words for own, words in there if own.startswith(prefix) or prefix.startswith(own)]
    if overlapping:
        words = f"FSx's would overlap with {'; '.join(overlapping)}, which breaks the link to s3://{name}/{prefix}"
        to_do = (
            "give runs another prefix (keyPrefix, bucketPrefix), or send these events by EventBridge, which overlaps "
            "with nothing"
        )
        return Finding(check, TROUBLE, words, to_do)
    return Finding(check, OK, "nothing overlaps with what FSx adds" if there else f"{name} sends none")


def _configured(answer: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What others have configured for such objects: the prefix, and the configuration in words."""
    for kind, receiver in (
        ("TopicConfigurations", "TopicArn"),
        ("QueueConfigurations", "QueueArn"),
        ("LambdaFunctionConfigurations", "LambdaFunctionArn"),
    ):
        for one in answer.get(kind, []):
            if str(one.get("Id", "")).startswith(_OWN) or not any(each.startswith(_LISTENED) for each in one["Events"]):
                continue
            rules = one.get("Filter", {}).get("Key", {}).get("FilterRules", [])
            prefix = next((str(rule["Value"]) for rule in rules if rule["Name"].lower() == "prefix"), "")
            yield prefix, f"{', '.join(one['Events'])} of {prefix or 'every key'} to {one[receiver]}"


def _prefix(stack: Stack, defaults: Mapping[str, Any]) -> str:
    """Where a run without an input puts its results, as the run has it."""
    own = str(defaults.get("keyPrefix", "")).removesuffix("/")
    whole = stack.value("BucketPrefix") + own
    return f"{whole.removesuffix('/')}/" if whole else ""
