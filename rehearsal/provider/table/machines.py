"""Rows of the table for Step Functions. Owns how a state machine maps to its API; it must never take over a machine
that exists: CreateStateMachine is idempotent, the provider is not."""

from __future__ import annotations

from typing import Any

from .kind import Aws, Enumeration, Kind, Naming, Props, ResourceError, given, gone_is_none, tag_list, tag_map


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
            **given(tags=tag_list(inputs.get("tagsAll"), "key", "value") or None),
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
        "tagsAll": tag_map(client.list_tags_for_resource(resourceArn=identity)["tags"], "key", "value"),
    }


def _change_machine(aws: Aws, identity: str, new: Props, old: Props) -> None:
    aws.client("stepfunctions").update_state_machine(
        stateMachineArn=identity,
        definition=new["definition"],
        roleArn=new["roleArn"],
        loggingConfiguration=_logging(new),
        tracingConfiguration=_tracing(new),
    )


def _retag_machine(aws: Aws, identity: str, new: Props, old: Props) -> None:
    client, wanted, present = aws.client("stepfunctions"), new.get("tagsAll") or {}, old.get("tagsAll") or {}
    if surplus := [key for key in present if key not in wanted]:
        client.untag_resource(resourceArn=identity, tagKeys=surplus)
    if wanted:
        client.tag_resource(resourceArn=identity, tags=tag_list(wanted, "key", "value"))


def _delete_machine(aws: Aws, identity: str, state: Props) -> None:
    aws.client("stepfunctions").delete_state_machine(stateMachineArn=identity)


_MACHINE_CHANGES = ("definition", "roleArn", "loggingConfiguration", "tracingConfiguration")
KINDS = (
    Kind(
        "aws:sfn/stateMachine:StateMachine",
        _create_machine,
        _read_machine,
        _delete_machine,
        update=dict.fromkeys(_MACHINE_CHANGES, _change_machine) | {"tags": _retag_machine},
        naming=Naming(limit=80),
        computed=frozenset({"loggingConfiguration", "tracingConfiguration"}),
        defaults={"type": "STANDARD"},
        documents=frozenset({"definition"}),
        enumerations={
            "type": Enumeration("stepfunctions", "StateMachineType"),
            "loggingConfiguration.level": Enumeration("stepfunctions", "LogLevel"),
        },
    ),
)
