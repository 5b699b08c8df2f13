"""Rows of the table for Lambda and CloudWatch Logs. Owns how they map to those APIs;
it must never package code otherwise than the real provider does: the archive's bytes are what Lambda gets."""

from __future__ import annotations

from typing import Any

from .archives import as_zip
from .kind import Aws, Enumeration, Kind, Naming, Props, ResourceError, camel, given, gone_is_none, keep_only, pascal

# --- Lambda ----------------------------------------------------------------------------------------------------------


def _configuration(inputs: Props) -> dict[str, Any]:
    return given(
        Role=inputs["role"],
        Handler=inputs.get("handler"),
        Runtime=inputs.get("runtime"),
        Description=inputs.get("description") or "",
        Timeout=int(inputs.get("timeout") or 3),
        MemorySize=int(inputs.get("memorySize") or 128),
        Environment={"Variables": (inputs.get("environment") or {}).get("variables") or {}},
        TracingConfig=pascal(inputs.get("tracingConfig") or {"mode": "PassThrough"}),
        KMSKeyArn=inputs.get("kmsKeyArn"),
        LoggingConfig=pascal(inputs["loggingConfig"]) if inputs.get("loggingConfig") else None,
    )


def _create_function(aws: Aws, inputs: Props) -> str:
    if inputs.get("code") is None:
        raise ResourceError("code is needed: this account takes functions as archives only")
    client = aws.client("lambda")
    name = client.create_function(
        FunctionName=inputs["name"],
        Code={"ZipFile": as_zip(inputs["code"])},
        Architectures=inputs.get("architectures") or ["x86_64"],
        **_configuration(inputs),
        **given(Tags=inputs.get("tagsAll") or None),
    )["FunctionName"]
    return str(name)


@gone_is_none("ResourceNotFoundException")
def _read_function(aws: Aws, identity: str, state: Props) -> Props:
    client = aws.client("lambda")
    answer = client.get_function(FunctionName=identity)
    found = answer["Configuration"]
    reserved = client.get_function_concurrency(FunctionName=identity).get("ReservedConcurrentExecutions")
    variables = found.get("Environment", {}).get("Variables") or {}
    return {
        "arn": found["FunctionArn"].removesuffix(":$LATEST"),
        "name": found["FunctionName"],
        "role": found["Role"],
        "handler": found.get("Handler"),
        "runtime": found.get("Runtime"),
        "description": found.get("Description") or None,
        "timeout": found["Timeout"],
        "memorySize": found["MemorySize"],
        "architectures": list(found.get("Architectures") or ["x86_64"]),
        "environment": {"variables": dict(variables)} if variables else None,
        "tracingConfig": camel(found.get("TracingConfig") or {"Mode": "PassThrough"}),
        "loggingConfig": camel(found["LoggingConfig"]) if found.get("LoggingConfig") else state.get("loggingConfig"),
        "reservedConcurrentExecutions": -1 if reserved is None else reserved,
        "codeSha256": found["CodeSha256"],
        "invokeArn": f"arn:{aws.partition}:apigateway:{aws.region}:lambda:path/2015-03-31/functions/"
        f"{found['FunctionArn'].removesuffix(':$LATEST')}/invocations",
        "code": state.get("code"),
        "sourceCodeHash": state.get("sourceCodeHash"),
        "tagsAll": dict(answer.get("Tags") or {}),
    }


def _change_function(aws: Aws, identity: str, new: Props, old: Props) -> None:
    aws.client("lambda").update_function_configuration(FunctionName=identity, **_configuration(new))


def _change_code(aws: Aws, identity: str, new: Props, old: Props) -> None:
    aws.client("lambda").update_function_code(FunctionName=identity, ZipFile=as_zip(new["code"]))


def _set_concurrency(aws: Aws, identity: str, new: Props, old: Props) -> None:
    reserved = new.get("reservedConcurrentExecutions")
    if reserved is not None and int(reserved) >= 0:
        aws.client("lambda").put_function_concurrency(FunctionName=identity, ReservedConcurrentExecutions=int(reserved))
    elif old.get("reservedConcurrentExecutions") not in (None, -1):
        aws.client("lambda").delete_function_concurrency(FunctionName=identity)


def _retag_function(aws: Aws, identity: str, new: Props, old: Props) -> None:
    client, wanted, present = aws.client("lambda"), new.get("tagsAll") or {}, old.get("tagsAll") or {}
    if surplus := [key for key in present if key not in wanted]:
        client.untag_resource(Resource=old["arn"], TagKeys=surplus)
    if wanted:
        client.tag_resource(Resource=old["arn"], Tags=wanted)


def _delete_function(aws: Aws, identity: str, state: Props) -> None:
    aws.client("lambda").delete_function(FunctionName=identity)


# --- CloudWatch Logs -------------------------------------------------------------------------------------------------


def _create_log_group(aws: Aws, inputs: Props) -> str:
    logs, name = aws.client("logs"), inputs["name"]
    logs.create_log_group(
        logGroupName=name,
        **given(
            kmsKeyId=inputs.get("kmsKeyId"),
            logGroupClass=inputs.get("logGroupClass"),
            tags=inputs.get("tagsAll") or None,
        ),
    )
    return str(name)


def _set_retention(aws: Aws, identity: str, new: Props, old: Props) -> None:
    logs, days = aws.client("logs"), int(new.get("retentionInDays") or 0)
    if days:
        logs.put_retention_policy(logGroupName=identity, retentionInDays=days)
    elif old.get("retentionInDays"):
        logs.delete_retention_policy(logGroupName=identity)


def _set_key(aws: Aws, identity: str, new: Props, old: Props) -> None:
    if new.get("kmsKeyId"):
        aws.client("logs").associate_kms_key(logGroupName=identity, kmsKeyId=new["kmsKeyId"])
    else:
        aws.client("logs").disassociate_kms_key(logGroupName=identity)


@gone_is_none("ResourceNotFoundException")
def _read_log_group(aws: Aws, identity: str, state: Props) -> Props | None:
    logs = aws.client("logs")
    found = logs.describe_log_groups(logGroupNamePrefix=identity)["logGroups"]
    group = next((group for group in found if group["logGroupName"] == identity), None)
    if group is None:
        return None
    arn = group["arn"].removesuffix(":*")
    return {
        "arn": arn,
        "name": identity,
        "retentionInDays": group.get("retentionInDays", 0),
        "kmsKeyId": group.get("kmsKeyId"),
        "logGroupClass": group.get("logGroupClass") or "STANDARD",
        "skipDestroy": bool(state.get("skipDestroy", False)),
        "tagsAll": dict(logs.list_tags_for_resource(resourceArn=arn).get("tags") or {}),
    }


def _retag_log_group(aws: Aws, identity: str, new: Props, old: Props) -> None:
    logs, wanted, present = aws.client("logs"), new.get("tagsAll") or {}, old.get("tagsAll") or {}
    if surplus := [key for key in present if key not in wanted]:
        logs.untag_resource(resourceArn=old["arn"], tagKeys=surplus)
    if wanted:
        logs.tag_resource(resourceArn=old["arn"], tags=wanted)


def _delete_log_group(aws: Aws, identity: str, state: Props) -> None:
    if not state.get("skipDestroy"):
        aws.client("logs").delete_log_group(logGroupName=identity)


_FUNCTION_CHANGES = [
    "role",
    "handler",
    "runtime",
    "description",
    "timeout",
    "memorySize",
    "environment",
    "tracingConfig",
    "kmsKeyArn",
    "loggingConfig",
]

KINDS = (
    Kind(
        "aws:lambda/function:Function",
        _create_function,
        _read_function,
        _delete_function,
        lambda aws, identity, inputs: _set_concurrency(aws, identity, inputs, {}),
        update=dict.fromkeys(_FUNCTION_CHANGES, _change_function)
        | {
            "code": _change_code,
            "sourceCodeHash": _change_code,
            "architectures": _change_code,
            "reservedConcurrentExecutions": _set_concurrency,
            "tags": _retag_function,
        },
        naming=Naming(limit=64),
        computed=frozenset({"architectures", "loggingConfig", "tracingConfig", "sourceCodeHash", "codeSha256"}),
        defaults={"timeout": 3, "memorySize": 128, "reservedConcurrentExecutions": -1},
        enumerations={
            "runtime": Enumeration("lambda", "Runtime"),
            "architectures": Enumeration("lambda", "Architecture"),
            "tracingConfig.mode": Enumeration("lambda", "TracingMode"),
            "loggingConfig.logFormat": Enumeration("lambda", "LogFormat"),
        },
        local=frozenset({"sourceCodeHash"}),
    ),
    Kind(
        "aws:cloudwatch/logGroup:LogGroup",
        _create_log_group,
        _read_log_group,
        _delete_log_group,
        lambda aws, identity, inputs: _set_retention(aws, identity, inputs, {}),
        update={
            "retentionInDays": _set_retention,
            "kmsKeyId": _set_key,
            "skipDestroy": keep_only,
            "tags": _retag_log_group,
        },
        naming=Naming(limit=512),
        computed=frozenset({"logGroupClass"}),
        defaults={"retentionInDays": 0, "skipDestroy": False},
        enumerations={"logGroupClass": Enumeration("logs", "LogGroupClass")},
        local=frozenset({"skipDestroy"}),
    ),
)
