"""Secrets Manager, as far as moto lacks it: what becomes of the versions of a secret when a new one takes labels over.

A label stays where it is until it is moved, and a version without any is deprecated: AWS deletes it when it likes
(Secrets Manager guide, secret versions; API PutSecretValue, VersionStages). Here that is at once."""

from __future__ import annotations

from typing import Any

from .context import Context

# Secrets Manager moves these two by itself.
_ITS_OWN = {"AWSCURRENT", "AWSPREVIOUS"}


class Secrets:
    """Answers secretsmanager: the calls that move labels."""

    def __init__(self, context: Context) -> None:
        self._context = context
        context.calls.answer(
            "secretsmanager",
            PutSecretValue=lambda params: self._moved("PutSecretValue", params),
            UpdateSecret=lambda params: self._moved("UpdateSecret", params),
            UpdateSecretVersionStage=lambda params: self._moved("UpdateSecretVersionStage", params),
        )

    def _moved(self, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        versions = self._versions(params["SecretId"])
        before = {version: list(entry["version_stages"]) for version, entry in versions.items()}
        client = self._context.client("secretsmanager")
        answer = self._context.calls.ask_moto(client, operation, params)
        versions = self._versions(params["SecretId"])
        if operation != "UpdateSecretVersionStage":
            # moto takes every label off the version that was current.
            for version, labels in before.items():
                taken = _ITS_OWN | set(params.get("VersionStages") or [])
                now = versions[version]["version_stages"]
                now += [label for label in labels if label not in taken and label not in now]
        for version in [version for version, entry in versions.items() if not entry["version_stages"]]:
            del versions[version]
        return answer

    def _versions(self, secret_id: str) -> dict[str, dict[str, Any]]:
        secrets = self._context.backend("secretsmanager").secrets
        found: dict[str, dict[str, Any]] = secrets[secret_id].versions if secret_id in secrets else {}
        return found
