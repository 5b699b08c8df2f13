"""Policies that grow with a setting fit at the largest settings that are taken; what would not fit is refused."""

from __future__ import annotations

import functools
import json
import shutil
from collections.abc import Mapping
from typing import Any

import pulumi
import pytest
from lustre_batch import LustreBatchAutoExport, LustreBatchAutoExportArgs, policy_room
from lustre_batch.validation import SettingsError, read_settings

from rehearsal.aws.account import Account
from rehearsal.provider import mocks
from rehearsal.provider.deployment import ROOT, Deployment
from rehearsal.provider.program import run_main
from tests.graph.recording import record
from tests.settings.mistakes import PARAMETER

STACK = "a" * 30  # as much as names have of a stack's
REGION = "ap-southeast-1"  # no region has a longer name
KEY = f"arn:aws:kms:{REGION}:123456789012:key/mrk-1234abcd12ab34cd56ef1234567890ab"
FIXED = {"maxConcurrentRuns": 20, "kmsKeyArn": KEY, "bucketName": "b" * 63, "vpcFlowLogs": True}
# IAM and S3 guides, names of roles and buckets; SDK CreateSecret, Name.
LONGEST = {
    "inputBuckets": ("", "i", 63),
    "jobRoleArns": ("arn:aws:iam::123456789012:role/", "r", 64),
    "jobSecretArns": (f"arn:aws:secretsmanager:{REGION}:123456789012:secret:", "s", 512),
    "reachableBuckets": ("", "r", 63),
}


def longest(key: str, count: int) -> list[str]:
    start, sign, length = LONGEST[key]
    entries = [start + f"{number:03}".rjust(length, sign) for number in range(count)]
    return [f"{entry}-AbCdEf" for entry in entries] if key == "jobSecretArns" else entries


def refusal(values: Mapping[str, Any]) -> str | None:
    try:
        read_settings({**FIXED, **values})
    except SettingsError as error:
        return str(error)
    return None


def most(key: str, values: Mapping[str, Any]) -> list[str]:
    """As many of the longest entries as are taken beside these values."""
    given = values.get(key, [])
    return next(
        [*given, *longest(key, count)]
        for count in range(1000)
        if refusal({**values, key: [*given, *longest(key, count + 1)]})
    )


def largest() -> dict[str, Any]:
    """Every list as long as it may be; input buckets and roles share one policy."""
    values: dict[str, Any] = {"inputBuckets": longest("inputBuckets", 6), "jobSecretArns": [PARAMETER]}
    for key in ("jobRoleArns", "jobSecretArns", "reachableBuckets"):
        values[key] = most(key, values)
    return values


LISTS = largest()


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    folder = tmp_path_factory.mktemp("stack")
    shutil.copy(ROOT / "Pulumi.yaml", folder)
    (folder / f"Pulumi.{STACK}.yaml").write_text("config: {}\n")
    with Account(REGION) as account:
        config = FIXED | {key: json.dumps(entries) for key, entries in LISTS.items()}
        return mocks.deploy(account, STACK, config, functools.partial(run_main, ROOT), folder)


def characters(policy: str) -> int:
    """As IAM counts them (IAM guide, quotas)."""
    return len("".join(policy.split()))


def policies(deployment: Deployment) -> dict[str, str]:
    """By the part whose role it is; no role has more than one."""
    found = deployment.of_type("aws:iam/rolePolicy:RolePolicy")
    assert len({policy.outputs["role"] for policy in found}) == len(found)
    return {policy.outputs["role"][len(STACK) + 1 : -8]: policy.outputs["policy"] for policy in found}


def endpoint_policy(deployment: Deployment) -> str:
    (endpoint,) = deployment.of_type("aws:ec2/vpcEndpoint:VpcEndpoint")
    return str(endpoint.outputs["policy"])


def test_with_twenty_lanes_and_every_list_at_its_longest_each_role_is_within_iams_quota(deployment: Deployment) -> None:
    assert len(deployment.of_type("aws:batch/computeEnvironment:ComputeEnvironment")) == 20
    sizes = {part: characters(policy) for part, policy in policies(deployment).items()}
    assert {"workflow", "clean-up", "job-execution", "guard-lanes", "sweep", "flow-logs"} < set(sizes)
    assert {part: size for part, size in sizes.items() if size > 10_240} == {}
    for entry in (entry for key in ("inputBuckets", "jobRoleArns") for entry in LISTS[key]):
        assert entry in policies(deployment)["workflow"]
    assert all(entry in policies(deployment)["job-execution"] for entry in LISTS["jobSecretArns"])


def test_and_the_endpoints_policy_is_within_that_of_privatelink(deployment: Deployment) -> None:
    assert len(endpoint_policy(deployment)) <= 20_480
    assert all(f"{bucket}/*" in endpoint_policy(deployment) for bucket in LISTS["reachableBuckets"])


def in_the_longest_partition(text: str) -> str:
    return text.replace("arn:aws:", "arn:aws-us-gov:")


def listed(entries: list[str]) -> int:
    return sum(len(in_the_longest_partition(entry)) + 3 for entry in entries)


def test_what_is_set_aside_for_the_rest_of_each_policy_is_what_it_takes_in_the_longest_partition(
    deployment: Deployment,
) -> None:
    sizes = {part: characters(in_the_longest_partition(text)) for part, text in policies(deployment).items()}
    inputs = listed(policy_room.bucket_arns("aws", LISTS["inputBuckets"]))
    reachable = policy_room.bucket_arns("aws", LISTS["reachableBuckets"])
    endpoint = len(in_the_longest_partition(endpoint_policy(deployment)))
    key = 2 * len(in_the_longest_partition(KEY))
    for measured, set_aside in (
        (sizes["workflow"] - inputs - listed(LISTS["jobRoleArns"]) - key, policy_room.RUN_CHARACTERS),
        (sizes["job-execution"] - 2 * listed(LISTS["jobSecretArns"]), policy_room.EXECUTION_CHARACTERS),
        (endpoint - listed(reachable) - len(reachable), policy_room.S3_CHARACTERS),
    ):
        assert set_aside - 40 < measured <= set_aside


def test_the_policies_of_runs_and_clean_ups_do_not_grow_with_the_lanes(deployment: Deployment) -> None:
    for part in ("workflow", "clean-up"):
        resources = json.dumps(json.loads(policies(deployment)[part])["Statement"])
        assert f"{STACK}-environment" not in resources
        assert f"{STACK}-queue" not in resources


ROLES, BUCKETS = longest("jobRoleArns", 40), longest("inputBuckets", 30)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"inputBuckets": BUCKETS}, "inputBuckets: 30 entries take 5220 characters, more than the 2160 for which the "),
        ({"jobRoleArns": ROLES}, "jobRoleArns: 40 entries take 3920 characters, more than the 2160 for which the "),
        ({"jobRoleArns": ROLES, "inputBuckets": BUCKETS}, "inputBuckets: 30 entries with the 40 of jobRoleArns take "),
        (
            {"jobSecretArns": longest("jobSecretArns", 8)},
            "jobSecretArns: 8 entries with those of jobDefinitionSecrets take 9280 characters, more than the 9090 for "
            "which the policy of the role that reads them (10240 in all) has room",
        ),
        (
            {"reachableBuckets": longest("reachableBuckets", 120)},
            "reachableBuckets: 120 entries take 21120 characters, more than the 19820 for which the policy of the "
            "VPC's endpoint for S3 (20480 in all) has room",
        ),
    ],
)
def test_a_list_that_no_policy_could_name_is_refused_before_anything_is_created(
    values: dict[str, Any], words: str
) -> None:
    said = refusal(values)
    assert said is not None
    assert said.startswith(words)
    assert "\n" not in said


@pytest.mark.parametrize(
    ("key", "camel", "count"),
    [
        ("input_buckets", "inputBuckets", 30),
        ("job_secret_arns", "jobSecretArns", 8),
        ("reachable_buckets", "reachableBuckets", 120),
    ],
)
def test_an_output_is_refused_with_the_same_words_as_soon_as_it_is_known(key: str, camel: str, count: int) -> None:
    def program() -> None:
        given: dict[str, Any] = {key: pulumi.Output.from_input(longest(camel, count))}
        LustreBatchAutoExport("lustre", LustreBatchAutoExportArgs(**given))

    with pytest.raises(pulumi.RunError) as refused:
        record(program)
    assert str(refused.value).startswith(f"LustreBatchAutoExport 'lustre': {key}: {count} entries ")
    assert " characters, more than the " in str(refused.value)
