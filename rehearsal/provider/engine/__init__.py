"""Deployment with the real Pulumi engine. A rehearsal without `--engine` must never import it: it needs what only the
engine's provider needs."""

from __future__ import annotations

from .cli import MISSING, Outcome, Workspace, find
from .driver import Engine, deploy, deployed, started
from .provider import Provider

__all__ = ["MISSING", "Engine", "Outcome", "Provider", "Workspace", "deploy", "deployed", "find", "started"]
