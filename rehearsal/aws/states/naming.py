"""Names across the border between Step Functions and an AWS API. Owns the conversion of members between the PascalCase
that SDK integrations give and take and what botocore's models say, and the names of errors. It must never touch keys
that are data (tags, environment maps)."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from botocore.model import ListShape, MapShape, ServiceModel, Shape, StructureShape

# Step Functions names a service's errors after the integration's prefix; a code that the service's model does not list
# is the service's base exception. SFN guide, AWS SDK service integrations; AWS SDK for Java 2.x, model packages. The
# guide's table has the prefix `FSx`; `Fsx` has been seen too, so a definition has to match either (a scenario chooses).
BASE_EXCEPTIONS = {"fsx": "FSxException"}
PREFIXES: Mapping[str, str] = {
    "cloudwatch": "CloudWatch",
    "dynamodb": "DynamoDb",
    "fsx": "FSx",
    "logs": "CloudWatchLogs",
    "secretsmanager": "SecretsManager",
    "service-quotas": "ServiceQuotas",
    "stepfunctions": "Sfn",
}
# The optimised integration of Step Functions itself has a prefix of its own, and names what the model does not list
# after the SDK for Java 1.x (`StepFunctions.AWSStepFunctionsException`, as AWS's own solutions retry it).
NESTED_PREFIX, NESTED_BASE = "StepFunctions", "AWSStepFunctionsException"
BOTO_SERVICES = {"cloudwatchlogs": "logs", "servicequotas": "service-quotas", "sfn": "stepfunctions"}
# Members that the SDK for Java 2.x renames because Java reserves the word (AttributeValue of DynamoDB).
JAVA_NAMES = {"NULL": "Nul"}


class UnknownMember(Exception):
    """An argument that the SDK integration does not know under that name."""


def sdk_name(member: str) -> str:
    """The member's name in SDK integrations: the Java accessor's, capitalised (DNSName -> DnsName, jobId -> JobId)."""
    if member in JAVA_NAMES:
        return JAVA_NAMES[member]
    index = 1
    while (
        index < len(member)
        and member[index].isupper()
        and not (index < len(member) - 1 and member[index + 1].islower())
    ):
        index += 1
    name = member[:index].lower() + member[index:]
    return name[0].upper() + name[1:]


def to_boto(value: Any, shape: Shape, path: str = "") -> Any:
    """Arguments of an SDK integration as botocore wants them; null members count as left out."""
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        members = {sdk_name(name): name for name in shape.members}
        unknown = [key for key in value if key not in members]
        if unknown:
            raise UnknownMember(f"The field '{path}{unknown[0]}' is not supported by Step Functions")
        return {
            members[key]: to_boto(item, shape.members[members[key]], f"{path}{key}.")
            for key, item in value.items()
            if item is not None
        }
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [to_boto(item, shape.member, path) for item in value]
    if isinstance(shape, MapShape) and isinstance(value, dict):
        return {key: to_boto(item, shape.value, path) for key, item in value.items()}
    return value


def from_boto(value: Any, shape: Shape | None) -> Any:
    """An answer of botocore as SDK integrations give it."""
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        return {
            sdk_name(key): from_boto(item, shape.members[key]) for key, item in value.items() if key in shape.members
        }
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [from_boto(item, shape.member) for item in value]
    if isinstance(shape, MapShape) and isinstance(value, dict):
        return {key: from_boto(item, shape.value) for key, item in value.items()}
    if isinstance(value, datetime.datetime):
        return iso(value)
    return value


def iso(moment: datetime.datetime) -> str:
    return moment.astimezone(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def error_name(model: ServiceModel, code: str, prefix: str, base: str | None = None) -> str:
    """`Fsx.BadRequestException` for a modelled error, `Fsx.FSxException` for a code the model does not list."""
    for shape in model.error_shapes:
        if code in (shape.name, shape.metadata.get("error", {}).get("code")):
            return f"{prefix}.{_exception(shape.name)}"
    return f"{prefix}.{base or BASE_EXCEPTIONS.get(model.service_name, prefix + 'Exception')}"


def _exception(shape_name: str) -> str:
    if shape_name.endswith("Exception"):
        return shape_name
    return shape_name.removesuffix("Fault") + "Exception"


def service_label(model: ServiceModel) -> str:
    return str(model.metadata.get("serviceId", model.service_name)).replace(" ", "")
