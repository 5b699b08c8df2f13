"""Rows of the table for Step Functions: state machines. CreateStateMachine is idempotent, the provider is not: a row
must never take over a state machine that exists already."""

from __future__ import annotations

from typing import Any

from .kind import Aws, Enumeration, Kind, Naming, Props, ResourceError, given, gone_is_none
from .tags import lower_case_tag_list, retag, tag_map


def _logging(inputs: Props) -> dict[str, Any]:
    chosen = inputs.get("loggingConfiguration") or {}
    destination = chosen.get("logDestination")
    return given(
        level=chosen.get("level", "OFF"),
        includeExecutionData=bool(chosen.get("includeExecutionData", False)),
        destinations=[{"cloudWatchLogsLogGroup": {"logGroupArn": destination}}] if destination else None,
    )


def _tracing(inputs: Props) -> dict[str, bool]:
    return {"enabled": bool((inputs.get("tracingConfiguration") or {}).get("enabled", False))}


def _encryption(inputs: Props) -> dict[str, Any]:
    chosen = inputs.get("encryptionConfiguration") or {"type": "AWS_OWNED_KEY"}
    return given(
        type=chosen["type"],
        kmsKeyId=chosen.get("kmsKeyId"),
        kmsDataKeyReusePeriodSeconds=chosen.get("kmsDataKeyReusePeriodSeconds"),
    )


def _create_machine(aws: Aws, inputs: Props) -> str:
    if any(
        machine["name"] == inputs["name"]
        for machine in aws.client("stepfunctions").list_state_machines()["stateMachines"]
    ):
        raise ResourceError(f"StateMachineAlreadyExists: State Machine Already Exists: '{inputs['name']}'")
    return str(
        aws.client("stepfunctions").create_state_machine(
            name=inputs["name"],
            definition=inputs["definition"],
            roleArn=inputs["roleArn"],
            type=inputs.get("type", "STANDARD"),
            loggingConfiguration=_logging(inputs),
            tracingConfiguration=_tracing(inputs),
            encryptionConfiguration=_encryption(inputs),
            **given(tags=lower_case_tag_list(inputs.get("tagsAll")) or None),
        )["stateMachineArn"]
    )


@gone_is_none("StateMachineDoesNotExist")
def _read_machine(aws: Aws, identity: str, state: Props) -> Props | None:
    client = aws.client("stepfunctions")
    found = client.describe_state_machine(stateMachineArn=identity)
    logging = found.get("loggingConfiguration") or {}
    destinations = logging.get("destinations") or []
    return {
        "arn": identity,
        "name": found["name"],
        "definition": found["definition"],
        "roleArn": found["roleArn"],
        "type": found["type"],
        "status": found.get("status", "ACTIVE"),
        "creationDate": found["creationDate"].isoformat(),
        "loggingConfiguration": given(
            level=logging.get("level", "OFF"),
            includeExecutionData=bool(logging.get("includeExecutionData", False)),
            logDestination=destinations[0]["cloudWatchLogsLogGroup"]["logGroupArn"] if destinations else None,
        ),
        "tracingConfiguration": {"enabled": bool((found.get("tracingConfiguration") or {}).get("enabled", False))},
        "encryptionConfiguration": found.get("encryptionConfiguration") or {"type": "AWS_OWNED_KEY"},
        "tagsAll": tag_map(client.list_tags_for_resource(resourceArn=identity)["tags"], "key", "value"),
    }


def _change_machine(aws: Aws, identity: str, new: Props, old: Props) -> None:
    aws.client("stepfunctions").update_state_machine(
        stateMachineArn=identity,
        definition=new["definition"],
        roleArn=new["roleArn"],
        loggingConfiguration=_logging(new),
        tracingConfiguration=_tracing(new),
        encryptionConfiguration=_encryption(new),
    )


def _delete_machine(aws: Aws, identity: str, state: Props) -> None:
    aws.client("stepfunctions").delete_state_machine(stateMachineArn=identity)


_MACHINE_CHANGES = ("definition", "roleArn", "loggingConfiguration", "tracingConfiguration", "encryptionConfiguration")
_RETAG = retag("stepfunctions", "resourceArn", tags="tags", keys="tagKeys", spelled=lower_case_tag_list)

KINDS = (
    Kind(
        "aws:sfn/stateMachine:StateMachine",
        _create_machine,
        _read_machine,
        _delete_machine,
        update=dict.fromkeys(_MACHINE_CHANGES, _change_machine) | {"tags": _RETAG},
        naming=Naming(limit=80),
        computed=frozenset(
            {
                "encryptionConfiguration",
                "encryptionConfiguration.kmsDataKeyReusePeriodSeconds",
                "loggingConfiguration",
                "tracingConfiguration",
            }
        ),
        defaults={"type": "STANDARD"},
        documents=frozenset({"definition"}),
        enumerations={
            "type": Enumeration("stepfunctions", "StateMachineType"),
            "encryptionConfiguration.type": Enumeration("stepfunctions", "EncryptionType"),
            "loggingConfiguration.level": Enumeration("stepfunctions", "LogLevel"),
        },
    ),
)
