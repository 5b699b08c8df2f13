"""Service Quotas, as far as EC2's vCPUs are concerned. Owns how many of them the account may run at a time, and answers
about it. Assumed: one number for the families of every quota that it knows."""

from __future__ import annotations

import math
from typing import Any

from .calls import ModelError
from .context import Context
from .plan import Count, Plan

# EC2 guide, Spot Instance quotas and On-Demand Instance quotas; the codes are those of the Service Quotas console.
NAMES = {
    "L-34B43A08": "All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance Requests",
    "L-1216C47A": "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances",
}
# What is answered for a quota that is never in the way.
PLENTY = 100_000.0


class QuotaPlan(Plan):
    vcpus: Count | None = None
    """vCPUs that the account may run at a time, as Service Quotas answers; `null`: enough."""


class Quotas:
    """Answers service-quotas: GetServiceQuota."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.plan = QuotaPlan()
        context.calls.answer("service-quotas", GetServiceQuota=self.get)

    def reset(self, plan: QuotaPlan) -> None:
        self.plan = plan

    def allow(self, vcpus: float) -> bool:
        """Whether an instance with so many may start."""
        return vcpus <= (math.inf if self.plan.vcpus is None else self.plan.vcpus)

    def get(self, params: dict[str, Any]) -> dict[str, Any]:
        code = params["QuotaCode"]
        if params["ServiceCode"] != "ec2" or code not in NAMES:
            raise ModelError(
                "NoSuchResourceException", "The request failed because the specified quota does not exist."
            )
        return {
            "Quota": {
                "ServiceCode": "ec2",
                "ServiceName": "Amazon Elastic Compute Cloud (Amazon EC2)",
                "QuotaArn": self._context.arn("servicequotas", f"ec2/{code}"),
                "QuotaCode": code,
                "QuotaName": NAMES[code],
                "Value": PLENTY if self.plan.vcpus is None else float(self.plan.vcpus),
                "Unit": "None",
                "Adjustable": True,
                "GlobalQuota": False,
                "QuotaAppliedAtLevel": "ACCOUNT",
            }
        }
