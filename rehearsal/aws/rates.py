"""How many calls, state transitions and capacity units AWS lets an account have, as token buckets in virtual time.
Owns the published rates with their sources, and which call is refused for coming too soon. Only what the stack's roles
do is counted: deployments take no virtual time, and other traffic of an account is not rehearsed.

Where AWS publishes several values (by region, or in editions of a page) the lowest that may apply holds; where it
publishes none, the source says `assumed`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .context import Context

# SFN guide, service quotas: these regions have more of everything.
LARGE_REGIONS = {"us-east-1", "us-west-2", "eu-west-1"}
# DynamoDB guide, partition keys: what one partition serves a second. A table with a local secondary index keeps all
# items of a partition key together, and a small one may lie in one partition as a whole.
READ_UNITS, WRITE_UNITS = "dynamodb read units", "dynamodb write units"
TRANSITION = "state transition"
# What .sync asks for while it waits is counted in the account; re:Post, by AWS, of Glue: once a minute for ten
# minutes, then every five. Assumed: the same of nested executions.
SYNC_MINUTES, SYNC_QUICK_POLLS = 5, 10


@dataclass(frozen=True)
class Rate:
    """A bucket that holds so many tokens and gains so many a second."""

    size: float
    per_second: float
    source: str
    error: str = "ThrottlingException"


def _steady(per_second: float, source: str, error: str = "ThrottlingException") -> Rate:
    """A number per second, of which no burst is promised."""
    return Rate(per_second, per_second, source, error)


_SFN = "SFN guide, service quotas"
_BATCH = _steady(
    50, "Batch guide, service quotas: SubmitJob; re:Post, AWS: for all of Batch together", "TooManyRequestsException"
)
_EC2 = "EC2 developer guide, request throttling"
_EC2_READS = Rate(100, 20, f"{_EC2}: non-mutating actions", "RequestLimitExceeded")
_EC2_READS_OF_ALL = Rate(50, 10, f"{_EC2}: unfiltered and unpaginated actions", "RequestLimitExceeded")
_EC2_WRITES = Rate(50, 5, f"{_EC2}: mutating actions", "RequestLimitExceeded")
_FSX_READS, _FSX_WRITES = Rate(20, 10, "assumed"), Rate(10, 1, "assumed")

# By `service:Operation`; `service:Verb*` is each operation that begins so, with a bucket of its own.
RATES: dict[str, Rate] = {
    TRANSITION: Rate(800, 500, f"{_SFN}, state throttling"),
    "stepfunctions:StartExecution": Rate(800, 150, _SFN),
    "stepfunctions:DescribeExecution": Rate(250, 10, _SFN),
    "stepfunctions:ListExecutions": Rate(100, 2, _SFN),
    "stepfunctions:StopExecution": Rate(500, 25, _SFN),
    READ_UNITS: _steady(3000, "DynamoDB guide, partition key design"),
    WRITE_UNITS: _steady(1000, "DynamoDB guide, partition key design"),
    "ec2:Describe*": _EC2_READS,
    "ec2:Create*": _EC2_WRITES,
    "ec2:Delete*": _EC2_WRITES,
    "fsx:Describe*": _FSX_READS,
    "fsx:Create*": _FSX_WRITES,
    "fsx:Update*": _FSX_WRITES,
    "fsx:Delete*": _FSX_WRITES,
    "fsx:Cancel*": _FSX_WRITES,
    "fsx:TagResource": _FSX_WRITES,
    # A new account runs 10 functions at a time; ten times that a second (Lambda guide, quotas).
    "lambda:Invoke": _steady(100, "Lambda guide, quotas: invocation requests", "TooManyRequestsException"),
    "cloudwatch:GetMetricData": _steady(50, "CloudWatch guide, service quotas"),
    "cloudwatch:GetMetricStatistics": _steady(400, "CloudWatch guide, service quotas"),
    "cloudwatch:PutMetricData": _steady(150, "CloudWatch guide, service quotas: of the regions with the least"),
    "logs:DescribeLogStreams": _steady(5, "CloudWatch Logs guide, quotas, an earlier edition"),
    "logs:FilterLogEvents": _steady(5, "CloudWatch Logs guide, quotas"),
    "secretsmanager:GetSecretValue": _steady(10_000, "Secrets Manager guide, quotas"),
    "service-quotas:GetServiceQuota": Rate(
        10, 5, "Service Quotas guide, quotas: 5 a second and 5 more in a burst", "TooManyRequestsException"
    ),
    "sns:Publish": _steady(300, "SNS endpoints and quotas: the smallest regions"),
    "sqs:SendMessage": _steady(math.inf, "SQS guide, message quotas: nearly unlimited"),
}
IN_LARGE_REGIONS = {
    TRANSITION: Rate(5000, 1500, f"{_SFN}, state throttling"),
    "stepfunctions:StartExecution": Rate(1300, 300, _SFN),
    "stepfunctions:DescribeExecution": Rate(300, 15, _SFN),
    "stepfunctions:ListExecutions": Rate(200, 5, _SFN),
    "stepfunctions:StopExecution": Rate(1000, 200, _SFN),
}
NARROWED = {"Filters", "MaxResults", "NextToken", "InstanceIds"}
# Of Batch, one bucket for all operations: what is said of each can be read as said of all.
ALL_OF_BATCH = "batch:*"


def rate_of(region: str, call: str, params: dict[str, Any] | None = None) -> tuple[str, Rate] | None:
    """The bucket that a call or a unit is taken from, if it is limited: its name and its rate."""
    service, _, operation = call.partition(":")
    if service == "batch":
        return ALL_OF_BATCH, _BATCH
    if call == "ec2:DescribeInstances" and not NARROWED & set(params or {}):
        return f"{call} of all", _EC2_READS_OF_ALL
    if region in LARGE_REGIONS and call in IN_LARGE_REGIONS:
        return call, IN_LARGE_REGIONS[call]
    if call in RATES:
        return call, RATES[call]
    family = next(
        (rate for name, rate in RATES.items() if name.endswith("*") and call.startswith(name.removesuffix("*"))), None
    )
    return (call, family) if operation and family is not None else None


@dataclass
class Bucket:
    """Tokens, as they were at one moment."""

    rate: Rate
    tokens: float
    at: float

    def refill(self, now: float) -> float:
        self.tokens = min(self.rate.size, self.tokens + (now - self.at) * self.rate.per_second)
        self.at = now
        return self.tokens


class Rates:
    """The buckets of one account in one region. Tells `Calls` which call is throttled."""

    def __init__(self, context: Context, units: Callable[[str, dict[str, Any], Any], tuple[float, float]]) -> None:
        self._context = context
        self._units = units  # what an operation of DynamoDB consumed, for reads and for writes
        self._buckets: dict[str, Bucket] = {}
        self.scale = 1.0  # of every bucket, for a few runs that stand for many
        context.calls.limiter = self

    def reset(self) -> None:
        self._buckets.clear()
        self.scale = 1.0

    def refusal(self, service: str, operation: str, params: dict[str, Any]) -> str | None:
        """The code of the error with which a call is refused that comes too soon; otherwise its token is taken."""
        if service == "dynamodb":
            # Admitted while anything is left, and charged by what it read or wrote.
            kind = READ_UNITS if operation in {"GetItem", "Query"} else WRITE_UNITS
            return None if self._left(kind) >= 1 else RATES[kind].error
        found = rate_of(self._context.region, f"{service}:{operation}", params)
        if found is None:
            return None
        bucket = self._bucket(*found)
        if bucket.refill(self._context.clock.now()) < 1:
            return found[1].error
        bucket.tokens -= 1
        return None

    def answered(self, service: str, operation: str, params: dict[str, Any], answer: Any) -> None:
        """Charge DynamoDB's units; a conditional write that changed nothing costs the same (DynamoDB guide, writes)."""
        if service == "dynamodb":
            read, written = self._units(operation, params, answer)
            for kind, units in ((READ_UNITS, read), (WRITE_UNITS, written)):
                self._charge(kind, units)

    def waited_for(self, seconds: float) -> None:
        """Charge what .sync asked while it waited so long."""
        minutes = seconds / 60
        polls = min(minutes, SYNC_QUICK_POLLS) + max(0.0, minutes - SYNC_QUICK_POLLS) / SYNC_MINUTES
        self._charge("stepfunctions:DescribeExecution", 1 + math.floor(polls))

    def transition_delay(self) -> float:
        """How long the next state has to wait: transitions are delayed, not refused (SFN guide, state throttling)."""
        found = rate_of(self._context.region, TRANSITION)
        assert found is not None
        bucket = self._bucket(*found)
        bucket.refill(self._context.clock.now())
        bucket.tokens -= 1
        return max(0.0, -bucket.tokens / bucket.rate.per_second)

    def _left(self, kind: str) -> float:
        found = rate_of(self._context.region, kind)
        assert found is not None
        return self._bucket(*found).refill(self._context.clock.now())

    def _charge(self, kind: str, tokens: float) -> None:
        self._left(kind)
        self._buckets[kind].tokens -= tokens

    def _bucket(self, name: str, rate: Rate) -> Bucket:
        if name not in self._buckets:
            scaled = Rate(rate.size * self.scale, rate.per_second * self.scale, rate.source, rate.error)
            self._buckets[name] = Bucket(scaled, scaled.size, self._context.clock.now())
        return self._buckets[name]
