"""What each parameter changes in a stack that exists. Sets every parameter in turn with the real engine, and writes
what the engine did to docs/changes.md: nothing in that document is written by hand."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from rehearsal.aws.account import Account
from rehearsal.provider.adopted import adopt
from rehearsal.provider.configuration import Configuration
from rehearsal.provider.deployment import ROOT
from rehearsal.provider.engine import Engine, Workspace, started
from rehearsal.provider.program import run_main

DOCUMENT = ROOT / "docs" / "changes.md"
ROLE = "arn:aws:iam::123456789012:role/job"
INPUTS = "public-data"
SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:token-AbCdEf"
Step = tuple[str, str, str]  # operation, type, name


@dataclass
class Existing:
    """What is in the account before the stack is deployed, for the parameters that adopt a resource."""

    vpc_id: str
    subnet_ids: list[str]
    security_group_id: str
    bucket_name: str
    key_arn: str
    boundary_arn: str


def existing(account: Account) -> Existing:
    """Let there be a network, a bucket, a key and a policy, as another stack would have them."""
    there = Existing(
        vpc_id="vpc-0a1b2c3d4e5f60718",
        subnet_ids=["subnet-0a1b2c3d4e5f60718", "subnet-0a1b2c3d4e5f60719"],
        security_group_id="sg-0a1b2c3d4e5f60718",
        bucket_name="results-of-others",
        key_arn=account.context.arn("kms", "key/1234abcd-12ab-34cd-56ef-1234567890ab"),
        boundary_arn=f"arn:{account.context.partition}:iam::{account.context.account_id}:policy/boundary",
    )
    values = {
        "vpcId": there.vpc_id,
        "subnetIds": json.dumps(there.subnet_ids),
        "securityGroupIds": json.dumps([there.security_group_id]),
        "bucketName": there.bucket_name,
        "inputBuckets": json.dumps([INPUTS]),
        "kmsKeyArn": there.key_arn,
        "permissionsBoundaryArn": there.boundary_arn,
    }
    adopt(account, Configuration("lustre-batch", {f"lustre-batch:{key}": text for key, text in values.items()}, {}))
    return there


@dataclass(frozen=True)
class Setting:
    """One change of configuration (several keys where the rules require it), and whether it is undone afterwards."""

    values: dict[str, Any]
    taken_back: bool = False

    @property
    def keys(self) -> str:
        """As the document names it."""
        return ", ".join(f"`{key}`" for key in self.values)


def settings(there: Existing) -> list[Setting]:
    """A new value for every parameter, in an order in which each is valid together with those before it."""
    kept: dict[str, Any] = {
        "autoExport": False,
        "deleteLustre": False,
        "lustreFileSystemTypeVersion": "2.12",
        "lustreStorageCapacity": 1200,
        "lustreImportedFileChunkSize": 2048,
        "lustreDataCompressionType": "LZ4",
        "ecrRepositoryName": "another-name",
        "ecrImageTag": "v1.2",
        "computeEnvironmentAllocationStrategy": "SPOT_CAPACITY_OPTIMIZED",
        "computeEnvironmentInstanceTypes": ["c7i", "g5"],  # which start from another image
        "computeEnvironmentMaxvCpus": 512,
        "computeEnvironmentDesiredvCpus": 8,
        "computeEnvironmentRootVolumeGib": 200,
        "computeEnvironmentMetadataHopLimit": 2,
        "jobDefinitionRetryAttempts": 3,
        "jobDefinitionVcpus": 16,
        "jobDefinitionMemory": 60000,
        "jobDefinitionCommand": ["sh", "/app/run.sh"],
        "jobDefinitionEnvironment": {"STEPS": "1000"},
        "jobDefinitionArraySize": 100,
        "jobDefinitionAttemptSeconds": 7200,
        "jobDefinitionGpus": 1,
        "jobDefinitionSharedMemoryMib": 1024,
        "jobDefinitionUlimits": [{"name": "memlock", "softLimit": -1, "hardLimit": -1}],
        "jobDefinitionUser": "1000:1000",
        "jobDefinitionTags": {"project": "imaging"},
        "jobDefinitionPrivileged": True,
        "waitForLustreCreationSeconds": 20,
        "waitForJobCompletionSeconds": 120,
        "waitForCheckMetricsSeconds": 120,
        "lambdaPeriodSeconds": 120,
        "lambdaTimeDiffMinutes": 20,
        "exportVerification": "metrics",
        "laneTimeoutMinutes": 2880,
        "sessionTimeoutMinutes": 2880,
        "provisioningTimeoutMinutes": 90,
        "jobStartTimeoutMinutes": 60,
        "jobTimeoutMinutes": 10_000,
        "cleanupTimeoutMinutes": 720,
        "continueAfterImportFailure": True,
        "sweepIntervalMinutes": 30,
        "notificationEmail": "team@example.com",
        "dashboard": False,
        "keptAlarmHours": 48,
        "spreadAcrossZones": True,
        "bucketPrefix": "runs/",
        "keyPrefix": "today/",
        "inputBuckets": [INPUTS],
        "inputPrefixes": [f"s3://{INPUTS}/reference/"],
        "noncurrentVersionDays": 7,
        "logRetentionDays": 90,
        "permissionsBoundaryArn": there.boundary_arn,
    }
    taken_back: list[dict[str, Any]] = [
        {
            "lustreDeploymentType": "PERSISTENT_2",
            "lustrePerUnitStorageThroughput": 125,
            "lustreFileSystemTypeVersion": "2.15",
            "lustreMetadataIops": 12_000,
        },
        {"sweepIntervalMinutes": 0},
        {"maxConcurrentRuns": 3},
        {"maxConcurrentRuns": 1},
        {"jobRoleArns": [ROLE], "jobRoleArn": ROLE},
        {"jobDefinitionSecrets": {"TOKEN": SECRET}},
        {"jobSecretArns": [SECRET]},
        {"vpcCidr": "10.20.0.0/16"},
        {"egress": "public"},
        {"reachableBuckets": [INPUTS]},
        {"vpcFlowLogs": True},
        {"availabilityZoneIds": ["use1-az2", "use1-az4"]},
        {"computeEnvironmentType": "EC2", "computeEnvironmentAllocationStrategy": "BEST_FIT_PROGRESSIVE"},
        {"bucketName": there.bucket_name},
        {"vpcId": there.vpc_id, "subnetIds": there.subnet_ids},
        {"vpcId": there.vpc_id, "subnetIds": there.subnet_ids, "securityGroupIds": [there.security_group_id]},
        {"kmsKeyArn": there.key_arn},
        {"computeEnvironmentMinvCpus": 4},
        {"envName": "Nightly"},
        {"tags": {"team": "imaging"}},
        {"retainDataOnDestroy": False},
    ]
    last = Setting({"jobDefinitionContainerImage": "public.ecr.aws/docker/library/busybox:latest"})
    return [
        *(Setting({key: value}) for key, value in kept.items()),
        *(Setting(each, taken_back=True) for each in taken_back),
        last,
    ]


@dataclass
class Row:
    """What the engine did after one change of configuration."""

    setting: Setting
    steps: list[Step] = field(default_factory=list)
    error: str = ""

    def names(self, *operations: str) -> list[str]:
        return sorted(
            {f"{name} ({token.rpartition(':')[2]})" for what, token, name in self.steps if what in operations}
        )


def observed(account: Account, engine: Engine, stack: str, changes: Iterable[Setting]) -> Iterator[Row]:
    """Make one change after the other to the deployed stack, and answer what the engine did each time."""
    workspace = engine.workspace
    with engine.inline(run_main):
        for setting in changes:
            before = {key: _configured(workspace, stack, key) for key in setting.values}
            workspace.unset_config(stack, [key for key in setting.values if before[key] is not None])
            workspace.set_config(stack, setting.values)
            outcome = workspace.operate("up", stack, expect=None)
            steps = [step for step in outcome.steps if step[0] != "same"]
            yield Row(setting, steps, "" if outcome.succeeded else outcome.output)
            if setting.taken_back:
                workspace.unset_config(stack, setting.values)
                workspace.set_config(stack, {key: value for key, value in before.items() if value is not None})
                workspace.operate("up", stack, expect=None)


def _configured(workspace: Workspace, stack: str, key: str) -> Any:
    path = workspace.folder / f"Pulumi.{stack}.yaml"
    return (yaml.safe_load(path.read_text(encoding="utf-8")).get("config") or {}).get(workspace.qualified(key))


# These carry parameters to the next run; they change no infrastructure.
_SECRET = "aws:secretsmanager/secretVersion:SecretVersion"
_MACHINE = "aws:sfn/stateMachine:StateMachine"
_ENVIRONMENT = "aws:batch/computeEnvironment:ComputeEnvironment"


def table(rows: list[Row], stack: str) -> str:
    """The document: one line for each change of configuration."""
    lines = [
        "# What a change of configuration does to a stack that exists",
        "",
        "<!-- Made by `python -m tools.changes`: every parameter set with `pulumi config set`,",
        "one by one, then `pulumi up`. Do not edit. -->",
        "",
        "A bucket or image repository that is removed or replaced here is retained with its contents, not deleted, as",
        "long as `retainDataOnDestroy` is true. A SecretVersion that is replaced is the secret's next version.",
        "",
        "| set | kind of change | changed in place | replaced | created | removed |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        cells = (
            row.names("update"),
            row.names("replace"),
            [name for name in row.names("create") if name not in row.names("replace")],
            [name for name in row.names("delete", "discard") if name not in row.names("replace")],
        )
        texts = [", ".join(_short(name, stack) for name in cell) or "–" for cell in cells]
        lines.append(f"| {row.setting.keys} | {kind_of(row)} | " + " | ".join(texts) + " |")
    lines += ["", "## While a run is alive", "", *_while_a_run_is_alive(rows)]
    return "\n".join(lines) + "\n"


_VPC = "aws:ec2/vpc:Vpc"
# Batch guide, updating compute environments: these only move the bounds within which it scales.
_SIZES = {"computeEnvironmentMinvCpus", "computeEnvironmentMaxvCpus", "computeEnvironmentDesiredvCpus"}


def _while_a_run_is_alive(rows: list[Row]) -> list[str]:
    touching = [
        row
        for row in rows
        if any(token == _ENVIRONMENT for _, token, _ in row.steps) and not _SIZES & set(row.setting.values)
    ]
    moving = [row for row in touching if _moves_the_network(row)]
    return textwrap.wrap(
        "An execution keeps the definition it was started with, and no deployment changes its file system, launch "
        "template or job definition. These deployments have Batch replace instances: "
        f"{_keys(row for row in touching if row not in moving)}. "
        "A running job is waited for, up to 7,200 minutes, Batch's maximum (half an hour if Batch refused that policy "
        "when the job was submitted); its instance goes when it has ended. "
        "Until then the compute environment is UPDATING: `pulumi up` gives up after 20 minutes, and succeeds when it "
        f"is repeated after the job. These replace the VPC: {_keys(moving)}. Make them while nothing runs: the file "
        "system stays in the old VPC, and the next attempt of a job would start in the new one, where it cannot mount "
        "it. Everything else in the table leaves instances alone.",
        width=118,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _moves_the_network(row: Row) -> bool:
    return any(token == _VPC and operation in {"replace", "delete", "discard"} for operation, token, _ in row.steps)


def _keys(rows: Iterable[Row]) -> str:
    return ", ".join("+".join(f"`{key}`" for key in row.setting.values) for row in rows)


def kind_of(row: Row) -> str:
    tokens = {token for _, token, _ in row.steps}
    if row.error:
        return "refused"
    if not tokens:
        return "none"
    if tokens <= {_SECRET, _MACHINE}:
        return "run-time only"
    replaced = {token for operation, token, _ in row.steps if operation == "replace"}
    return "replacement" if replaced - {_SECRET} else "in place"


def _short(name: str, stack: str) -> str:
    return name.removeprefix(f"{stack}-")


def main() -> int:
    """Rewrite the document from what the engine does."""
    with Account() as account, started(account) as engine:
        there = existing(account)
        engine.init("autoexport")
        engine.workspace.operate("up", "autoexport")
        rows = list(observed(account, engine, "autoexport", settings(there)))
    for row in rows:
        if row.error:
            print(f"{', '.join(row.setting.values)}:\n{row.error}", file=sys.stderr)
    DOCUMENT.write_text(table(rows, "autoexport"), encoding="utf-8")
    return 1 if any(row.error for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
