"""What our models touch of services that moto answers. Owns the few things AWS's own services do there by themselves:
objects that FSx writes into the bucket (no bucket policy stands in its way), its log events, and the client token of
EC2's launch templates. It must never be used to look where a caller could not."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from moto.ec2.models import ec2_backends
from moto.logs.models import logs_backends
from moto.s3.models import s3_backends

from .calls import ModelError

if TYPE_CHECKING:
    from .account import Account


class Neighbours:
    """S3 objects, log events and launch templates."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self._templates: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {}
        account.calls.answer("ec2", CreateLaunchTemplate=self.create_template)
        account.calls.answer("logs", FilterLogEvents=self.filter_log_events)

    def reset(self) -> None:
        self._templates = {}

    # --- S3

    @property
    def _s3(self) -> Any:
        return s3_backends[self.account.account_id][self.account.partition]

    def bucket(self, name: str) -> Any | None:
        return self._s3.buckets.get(name)

    def put_object(self, bucket: str, key: str, body: bytes) -> None:
        self._s3.put_object(bucket, key, body)

    def delete_object(self, bucket: str, key: str) -> None:
        if self.read_object(bucket, key) is not None:
            self._s3.delete_object(bucket, key)

    def read_object(self, bucket: str, key: str) -> bytes | None:
        with contextlib.suppress(Exception):
            found = self._s3.get_object(bucket, key)
            if found is not None:
                return bytes(found.value)
        return None

    # --- CloudWatch Logs

    def log(self, group: str, stream: str, message: str) -> None:
        """FSx guide, data repository event logs: one event for each file that could not be exported."""
        backend = logs_backends[self.account.account_id][self.account.region]
        if group not in backend.groups:
            return
        backend.ensure_log_stream(group, stream)
        event = {"timestamp": int(self.account.clock.now() * 1000), "message": message}
        backend.groups[group].put_log_events(stream, [event])

    def filter_log_events(self, params: dict[str, Any]) -> dict[str, Any]:
        """Moto's answer, once everything that has happened by now is in the log; moto does not look at the prefix."""
        now = self.account.clock.now()
        self.account.work.settle(now)
        for association in self.account.associations.all():
            association.content.settle(now)
        prefix = params.get("logStreamNamePrefix", "")
        asked = {key: value for key, value in params.items() if key != "logStreamNamePrefix"}
        answer = self.account.calls.ask_moto(self.account.client("logs"), "FilterLogEvents", asked)
        answer["events"] = [event for event in answer["events"] if event["logStreamName"].startswith(prefix)]
        return answer

    # --- EC2

    def create_template(self, params: dict[str, Any]) -> dict[str, Any]:
        """EC2 API reference, ensuring idempotency: the same token and parameters give the same template again."""
        token = params.get("ClientToken")
        known = self._templates.get(token) if token else None
        if known is not None:
            backend = ec2_backends[self.account.account_id][self.account.region]
            if known[0] != params:
                raise ModelError("IdempotentParameterMismatch", "The client token was used with other parameters")
            if known[1]["LaunchTemplate"]["LaunchTemplateId"] in backend.launch_templates:
                return known[1]
        answer = self.account.calls.ask_moto(self.account.client("ec2"), "CreateLaunchTemplate", params)
        if token:
            self._templates[token] = (params, answer)
        return answer
