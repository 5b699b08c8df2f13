"""What would make a run fail, looked at before one is started. Owns the checks: each asks AWS one thing and says in a
line what it found and, if that is trouble, what to do. It changes nothing."""

from __future__ import annotations

import fnmatch
import json
import urllib.request
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from ..instance_types import architectures, patterns
from . import bucket_checks, inputs, key_checks, service_roles
from .findings import OK, TROUBLE, UNKNOWN, Finding
from .images import ARCHITECTURES, ECR
from .problems import Problem, in_words
from .stack import Stack

# ECR guide, container image manifest formats.
_INDEXES: Final = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
_MANIFESTS: Final = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)


class Doctor:
    """Looks at one stack."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    def findings(self) -> Iterator[Finding]:
        """One of each check, in the order in which a run would meet the trouble."""
        checks: tuple[tuple[str, Callable[[], Finding]], ...] = (
            ("credentials", self._credentials),
            ("state machines", self._state_machines),
            ("parameters", self._parameters),
            ("Batch role", lambda: service_roles.batch(self._stack, self._described)),
            ("FSx roles", lambda: service_roles.fsx(self._stack)),
            ("Spot role", lambda: service_roles.spot(self._stack, self._described)),
            ("vCPU quota", self._quota),
            ("compute environments", self._environments),
            ("instance types", self._instance_types),
            ("image", self._image),
            ("bucket", lambda: bucket_checks.region(self._stack)),
            ("bucket policy", lambda: bucket_checks.policy(self._stack, self._defaults)),
            ("bucket events", lambda: bucket_checks.events(self._stack, self._defaults)),
            ("notifications", self._notifications),
            ("KMS key", lambda: key_checks.policy(self._stack)),
        )
        for name, check in checks:
            try:
                yield check()
            except Problem as problem:
                yield Finding(name, TROUBLE, str(problem))
                return  # without the stack there is nothing to look at
            except (ClientError, BotoCoreError) as error:
                first = name == "credentials"
                yield Finding(name, TROUBLE if first else UNKNOWN, f"could not be looked at: {in_words(error)}")
                if first:
                    return

    @cached_property
    def _defaults(self) -> dict[str, Any]:
        found: dict[str, Any] = inputs.deployed(self._stack)
        return found

    @cached_property
    def _described(self) -> list[dict[str, Any]]:
        arns = json.loads(self._stack.value("ComputeEnvironmentArns"))
        batch = self._stack.client("batch")
        return list(batch.describe_compute_environments(computeEnvironments=arns)["computeEnvironments"])

    def _credentials(self) -> Finding:
        who = self._stack.client("sts").get_caller_identity()
        if who["Account"] != self._stack.account_id:
            return Finding(
                "credentials",
                TROUBLE,
                f"you are {who['Arn']}, and the stack is in account {self._stack.account_id}",
                "sign in to that account, or set AWS_PROFILE",
            )
        return Finding("credentials", OK, f"you are {who['Arn']}")

    def _state_machines(self) -> Finding:
        values = self._stack.values
        return Finding("state machines", OK, f"{self._stack.id} in {self._stack.region}, {len(values)} values known")

    def _parameters(self) -> Finding:
        problems = inputs.problems(self._defaults)
        if problems:
            secret = self._stack.value("ParametersSecretArn")
            return Finding("parameters", TROUBLE, "; ".join(problems), f"correct them in the secret {secret}")
        return Finding("parameters", OK, "a run without an input is valid")

    def _quota(self) -> Finding:
        code = self._stack.value("QuotaCode")
        if not code:
            return Finding("vCPU quota", OK, "the instance types count against more than one quota, none is looked at")
        quotas = self._stack.client("service-quotas")
        allowed = quotas.get_service_quota(ServiceCode="ec2", QuotaCode=code)["Quota"]["Value"]
        wanted, name = int(self._defaults["jobDefinitionVcpus"]), self._stack.value("QuotaName")
        if allowed < wanted:
            return Finding(
                "vCPU quota",
                TROUBLE,
                f"jobDefinitionVcpus: {wanted} exceeds the quota {name}, which is {allowed:g}",
                "request an increase in Service Quotas, or ask for fewer vCPUs",
            )
        return Finding("vCPU quota", OK, f"{allowed:g} vCPUs, a job has {wanted}")

    def _environments(self) -> Finding:
        bad = [
            one for one in self._described if one["status"] not in ("VALID", "UPDATING") or one["state"] != "ENABLED"
        ]
        if bad:
            words = "; ".join(
                f"{one['computeEnvironmentName']} is {one['state']} and {one['status']}: "
                f"{one.get('statusReason', 'no reason given')}"
                for one in bad
            )
            return Finding("compute environments", TROUBLE, words, "mend what the reason names, or run pulumi up")
        return Finding("compute environments", OK, f"{len(self._described)}, valid and enabled")

    def _instance_types(self) -> Finding:
        ec2 = self._stack.client("ec2")
        lacking = []
        for environment in self._described[:1]:
            resources = environment["computeResources"]
            subnets = ec2.describe_subnets(SubnetIds=resources["subnets"])["Subnets"]
            for zone in sorted({one["AvailabilityZone"] for one in subnets}):
                pages = ec2.get_paginator("describe_instance_type_offerings").paginate(
                    LocationType="availability-zone", Filters=[{"Name": "location", "Values": [zone]}]
                )
                there = [one["InstanceType"] for page in pages for one in page["InstanceTypeOfferings"]]
                lacking += [
                    f"{name} in {zone}"
                    for name in resources["instanceTypes"]
                    if not any(fnmatch.filter(there, pattern) for pattern in patterns([name]))
                ]
        if lacking:
            return Finding(
                "instance types",
                TROUBLE,
                f"not on offer: {', '.join(lacking)}",
                "choose others (computeEnvironmentInstanceTypes), or other zones (availabilityZoneIds)",
            )
        return Finding("instance types", OK, "on offer in the zones of the jobs")

    def _image(self) -> Finding:
        image = str(self._defaults["jobDefinitionContainerImage"])
        place = ECR.fullmatch(image)
        if place is None:
            return Finding("image", UNKNOWN, f"{image} is in a registry that is not looked at")
        identifier = {"imageDigest": place["digest"]} if place["digest"] else {"imageTag": place["tag"] or "latest"}
        ecr = self._stack.client("ecr")
        asked = {"registryId": place["account"], "repositoryName": place["name"]}
        answer = ecr.batch_get_image(**asked, imageIds=[identifier], acceptedMediaTypes=[*_INDEXES, *_MANIFESTS])
        if not answer["images"]:
            return Finding(
                "image",
                TROUBLE,
                f"{image} does not exist",
                f"push it: docker push {image}, or build one: lustre-batch push CONTEXT",
            )
        manifest = json.loads(answer["images"][0]["imageManifest"])
        has = {one["platform"]["architecture"] for one in manifest.get("manifests", []) if "platform" in one}
        if not has and "config" in manifest:
            layer = ecr.get_download_url_for_layer(**asked, layerDigest=manifest["config"]["digest"])
            has = {str(json.loads(downloaded(layer["downloadUrl"]))["architecture"])}
        names = self._described[0]["computeResources"]["instanceTypes"] if self._described else []
        wanted = {ARCHITECTURES.get(one, one) for one in architectures(names)}
        if has and wanted and not wanted <= has:
            return Finding(
                "image",
                TROUBLE,
                f"{image} is for {', '.join(sorted(has))}, and the instances are {', '.join(sorted(wanted))}",
                f"build it with --platform linux/{min(wanted)}",
            )
        return Finding("image", OK, f"{image} exists" + (f", for {', '.join(sorted(has))}" if has else ""))

    def _notifications(self) -> Finding:
        topic = self._stack.value("TopicArn")
        pages = self._stack.client("sns").get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
        listed = [one for page in pages for one in page["Subscriptions"]]
        # SNS API, Subscription: until it is confirmed, its ARN is PendingConfirmation.
        confirmed = [one for one in listed if one["SubscriptionArn"].startswith("arn:")]
        if confirmed:
            return Finding("notifications", OK, f"{len(confirmed)} confirmed: {confirmed[0]['Endpoint']}")
        if listed:
            words, to_do = f"{listed[0]['Endpoint']} has not confirmed", "open the link in the mail that AWS has sent"
        else:
            words, to_do = "nobody is subscribed to the topic", "set notificationEmail, or subscribe to it"
        return Finding("notifications", TROUBLE, f"{words}: nobody hears of what is kept and billed", to_do)


def downloaded(url: str) -> bytes:
    """What is behind an address that AWS has signed."""
    if not url.startswith("https://"):
        raise Problem(f"{url} is no address to download from")
    with urllib.request.urlopen(url, timeout=30) as answer:
        content: bytes = answer.read()
    return content
