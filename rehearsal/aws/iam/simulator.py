"""IAM's simulator of a principal's policies. Owns the answer of SimulatePrincipalPolicy, for roles."""

from __future__ import annotations

from typing import Any

from ..calls import ModelError
from ..context import Context
from .authoriser import policies_of
from .evaluation import evaluate


class Simulator:
    """Answers iam: SimulatePrincipalPolicy."""

    def __init__(self, context: Context) -> None:
        self._context = context
        context.calls.answer("iam", SimulatePrincipalPolicy=self.simulate)

    def simulate(self, params: dict[str, Any]) -> dict[str, Any]:
        """SDK: by what the role has attached, and its permissions boundary; nothing is called."""
        role = params["PolicySourceArn"]
        try:
            policies, boundary = policies_of(self._context, role)
        except StopIteration:
            raise ModelError("NoSuchEntity", f"{role} cannot be found") from None
        keys = {one["ContextKeyName"]: one["ContextKeyValues"] for one in params.get("ContextEntries", [])}
        results = []
        for action in params["ActionNames"]:
            for resource in params.get("ResourceArns", ["*"]):
                decisions = [evaluate(policies, action, resource, keys)]
                decisions += [evaluate([boundary], action, resource, keys)] if boundary is not None else []
                refused = next((one for one in decisions if not one.allowed), None)
                decision = "allowed" if refused is None else "explicitDeny" if refused.statement else "implicitDeny"
                results.append({"EvalActionName": action, "EvalResourceName": resource, "EvalDecision": decision})
        return {"EvaluationResults": results, "IsTruncated": False}
