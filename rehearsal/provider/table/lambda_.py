"""Rows of the table for Lambda: functions. What Lambda receives is the archive as the program declares it, byte for
byte."""

from __future__ import annotations

from typing import Any

from .archives import as_zip
from .kind import Aws, Enumeration, Kind, Naming, Props, ResourceError, camel, given, gone_is_none, pascal
from .tags import retag


def _configuration(inputs: Props) -> dict[str, Any]:
    return given(
        Role=inputs["role"],
        Handler=inputs.get("handler"),
        Runtime=inputs.get("runtime"),
        Description=inputs.get("description") or "",
        Timeout=int(inputs.get("timeout") or 3),
        MemorySize=int(inputs.get("memorySize") or 128),
        Environment={"Variables": (inputs.get("environment") or {}).get("variables") or {}},
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
        "loggingConfig": camel(found["LoggingConfig"]) if found.get("LoggingConfig") else state.get("loggingConfig"),
        "codeSha256": found["CodeSha256"],
        "invokeArn": f"arn:{aws.partition}:apigateway:{aws.region}:lambda:path/2015-03-31/functions/"
        f"{found['FunctionArn'].removesuffix(':$LATEST')}/invocations",
        "code": state.get("code"),
        "tagsAll": dict(answer.get("Tags") or {}),
    }


def _change_function(aws: Aws, identity: str, new: Props, old: Props) -> None:
    aws.client("lambda").update_function_configuration(FunctionName=identity, **_configuration(new))


def _change_code(aws: Aws, identity: str, new: Props, old: Props) -> None:
    aws.client("lambda").update_function_code(FunctionName=identity, ZipFile=as_zip(new["code"]))


def _delete_function(aws: Aws, identity: str, state: Props) -> None:
    aws.client("lambda").delete_function(FunctionName=identity)


_FUNCTION_CHANGES = [
    "role",
    "handler",
    "runtime",
    "description",
    "timeout",
    "memorySize",
    "environment",
    "kmsKeyArn",
    "loggingConfig",
]

KINDS = (
    Kind(
        "aws:lambda/function:Function",
        _create_function,
        _read_function,
        _delete_function,
        update=dict.fromkeys(_FUNCTION_CHANGES, _change_function)
        | {
            "code": _change_code,
            "architectures": _change_code,
            "tags": retag("lambda", "Resource", spelled=dict),
        },
        naming=Naming(limit=64),
        computed=frozenset({"architectures", "loggingConfig", "codeSha256"}),
        defaults={"timeout": 3, "memorySize": 128},
        enumerations={
            "runtime": Enumeration("lambda", "Runtime"),
            "architectures": Enumeration("lambda", "Architecture"),
            "loggingConfig.logFormat": Enumeration("lambda", "LogFormat"),
        },
    ),
)
