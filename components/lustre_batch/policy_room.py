"""What the policies that grow with a setting have room for. AWS would refuse a longer one halfway through a deployment:
a deployment refuses it before anything is created, or as soon as outputs that it is made of are known.

The rest of each policy is taken at its longest, so that whether a list fits depends on nothing but itself. It decides
what a policy may name, not what that allows.
"""

from collections.abc import Iterable, Sequence
from typing import Final

# IAM guide, quotas: all inline policies of a role together, white space left out. It cannot be raised.
ROLE_CHARACTERS: Final = 10_240
# PrivateLink guide, quotas: an endpoint's policy, white space included. It cannot be raised.
ENDPOINT_CHARACTERS: Final = 20_480
# What is not the user's list, at its longest: names of 30 letters (naming.py), with a bucket of 63, in the partition
# and the region with the longest names. tests/graph/test_policy_room.py measures them.
RUN_CHARACTERS: Final = 7_920
EXECUTION_CHARACTERS: Final = 1_150
S3_CHARACTERS: Final = 660
_LONGEST_PARTITION: Final = "aws-us-gov"


def bucket_arns(partition: str, buckets: Iterable[str]) -> list[str]:
    """Each bucket and its objects."""
    arns = (f"arn:{partition}:s3:::{bucket}" for bucket in buckets)
    return [each for arn in arns for each in (arn, f"{arn}/*")]


def no_room_for_a_run(input_buckets: Sequence[str], job_role_arns: Sequence[str], kms_key_arn: str) -> str | None:
    """What is said of buckets, roles and a key that the policy of the run's role could not name together."""
    buckets, roles = _characters(bucket_arns(_LONGEST_PARTITION, input_buckets)), _characters(job_role_arns)
    # The key is named in the two statements about it (owner.policy_with_key).
    room = ROLE_CHARACTERS - RUN_CHARACTERS - 2 * len(kms_key_arn)
    if buckets + roles <= room:
        return None
    counts = [("inputBuckets", len(input_buckets)), ("jobRoleArns", len(job_role_arns))]
    (key, count), (other, others) = counts if buckets >= roles else reversed(counts)
    beside = f" with the {others} of {other}" if others else ""
    return f"{key}: {count} entries{beside} {_too_long(buckets + roles, room, 'the run', ROLE_CHARACTERS)}"


def no_room_for_secrets(arns: Sequence[str]) -> str | None:
    """What is said of secrets and parameters that the policy of the role which reads them could not name together."""
    # As what is read, and as what keys decrypt (policies/job_execution.json).
    size, room = 2 * _characters(arns), ROLE_CHARACTERS - EXECUTION_CHARACTERS
    if size <= room:
        return None
    return (
        f"jobSecretArns: {len(arns)} entries with those of jobDefinitionSecrets "
        f"{_too_long(size, room, 'job-execution', ROLE_CHARACTERS)}"
    )


def no_room_in_the_endpoint(reachable_buckets: Sequence[str]) -> str | None:
    """What is said of buckets that the policy of the endpoint for S3 could not name together."""
    arns, room = bucket_arns(_LONGEST_PARTITION, reachable_buckets), ENDPOINT_CHARACTERS - S3_CHARACTERS
    size = _characters(arns) + len(arns)  # a space before each
    if size <= room:
        return None
    return f"reachableBuckets: {len(reachable_buckets)} entries {_too_long(size, room, 's3', ENDPOINT_CHARACTERS)}"


_HOLDERS: Final = {
    "the run": "the policy of the run's role",
    "job-execution": "the policy of the role that reads them",
    "s3": "the policy of the VPC's endpoint for S3",
}


def _too_long(size: int, room: int, holder: str, limit: int) -> str:
    return f"take {size} characters, more than the {room} for which {_HOLDERS[holder]} ({limit} in all) has room"


def _characters(texts: Iterable[str]) -> int:
    """Of entries of a list in JSON, with their quotes and commas."""
    return sum(len(text) + 3 for text in texts)
