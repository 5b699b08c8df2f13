"""EC2's launch templates. Owns the idempotency of their creation, which moto lacks, and which of them runs created."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from .calls import ModelError
from .context import Context

Baseline = frozenset[str]


class LaunchTemplates:
    """Answers ec2: the creation of launch templates."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._by_token: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {}
        context.calls.answer("ec2", CreateLaunchTemplate=self.create)

    @property
    def _ec2(self) -> Any:
        return self._context.backend("ec2")

    def snapshot(self) -> Baseline:
        return frozenset(self._ec2.launch_templates)

    def reset(self, baseline: Baseline) -> None:
        self._by_token = {}
        for identifier in self.since(baseline):
            template = self._ec2.launch_templates.pop(identifier)
            self._ec2.launch_template_name_to_ids.pop(template.name, None)

    def since(self, baseline: Baseline) -> list[str]:
        """The ids of those created since then that still exist."""
        return [identifier for identifier in self._ec2.launch_templates if identifier not in baseline]

    def tags_of(self, arn: str) -> dict[str, str]:
        template = self._ec2.launch_templates.get(arn.rpartition("launch-template/")[2])
        return {tag["key"]: tag["value"] for tag in template.get_tags()} if template is not None else {}

    @contextlib.contextmanager
    def _repeatable(self) -> Iterator[None]:
        """Let moto draw the template's id from the account's identifiers, which are the same in every play."""
        from moto.moto_api._internal import mock_random

        state = mock_random.getstate()
        mock_random.seed(self._context.ids.hexadecimal("lt"))
        try:
            yield
        finally:
            mock_random.setstate(state)

    def create(self, params: dict[str, Any]) -> dict[str, Any]:
        """EC2 API reference, ensuring idempotency: the same token and parameters give the same template again."""
        token = params.get("ClientToken")
        known = self._by_token.get(token) if token else None
        if known is not None:
            request, created = known
            if request != params:
                raise ModelError("IdempotentParameterMismatch", "The client token was used with other parameters")
            if created["LaunchTemplate"]["LaunchTemplateId"] in self._ec2.launch_templates:
                return created
        with self._repeatable():
            answer = self._context.calls.ask_moto(self._context.client("ec2"), "CreateLaunchTemplate", params)
        if token:
            self._by_token[token] = (params, answer)
        return answer
