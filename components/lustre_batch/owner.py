"""What the parts of the component share: the component they belong to, and how its children are named and tagged."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pulumi
import pulumi_aws as aws

from .rules import Refused, beside_default_tags, without_taken
from .settings import NOT_IN_CHINA, Settings
from .templates import read_data, render_output, spread

T = TypeVar("T")
# Step Functions guide, "Prevent cross-service confused deputy"; EventBridge and VPC guides, the same. Lambda and EC2
# document no such condition for the roles they assume.
_NAMING_THE_ACCOUNT = {f"{service}.amazonaws.com" for service in ("states", "events", "scheduler", "vpc-flow-logs")}


@dataclass(frozen=True)
class Surroundings:
    """The account and region that the component is deployed into; no ARN names one by hand."""

    partition: pulumi.Output[str]
    region: pulumi.Output[str]
    account_id: pulumi.Output[str]
    dns_suffix: pulumi.Output[str]
    default_tags: pulumi.Output[dict[str, str]]
    """The provider's own, which it adds to every resource."""

    @classmethod
    def of(cls, component: pulumi.Resource) -> "Surroundings":
        options = pulumi.InvokeOptions(parent=component)
        partition = aws.get_partition_output(opts=options)
        return cls(
            partition=answered("getPartition", partition.partition).apply(_with_scratch_file_systems),
            dns_suffix=answered("getPartition", partition.dns_suffix),
            region=answered("getRegion", aws.get_region_output(opts=options).region),
            account_id=answered("getCallerIdentity", aws.get_caller_identity_output(opts=options).account_id),
            default_tags=aws.get_default_tags_output(opts=options).tags.apply(lambda tags: dict(tags or {})),
        )

    def arn(self, service: str, resource: pulumi.Input[str]) -> pulumi.Output[str]:
        """``arn:<partition>:<service>:<region>:<account>:<resource>``."""
        return pulumi.Output.concat(
            "arn:", self.partition, ":", service, ":", self.region, ":", self.account_id, ":", resource
        )


def answered(what: str, value: pulumi.Output[T]) -> pulumi.Output[T]:
    """What the provider answers, which only mocks can leave out: a lookup, or what AWS assigns to a resource."""

    def known(value: T) -> T:
        if value is None:
            raise pulumi.RunError(
                f"{what}: answered with nothing; the mocks of a unit test have to answer it, "
                "as those of lustre_batch.testing do"
            )
        return value

    return value.apply(known)


def _with_scratch_file_systems(partition: str) -> str:
    if partition == "aws-cn":
        raise pulumi.RunError(f"aws-cn: this partition cannot be used: {NOT_IN_CHINA}")
    return partition


@dataclass(frozen=True)
class Owner:
    """The component as its parts see it."""

    name: str
    """The component's, in a form that every AWS service takes."""
    component: pulumi.Resource
    settings: Settings
    surroundings: Surroundings
    told: Callable[[str], str]
    """A line about a parameter as the program that gave its value would have it."""
    children: list[pulumi.Resource] = field(default_factory=list)
    """Every child so far, in the order of creation."""

    def named(self, part: str) -> str:
        """The logical name of a child. AWS names derive from it, so two components never meet in one account."""
        return f"{self.name}-{part}"

    def child(self, **options: Any) -> pulumi.ResourceOptions:
        """Options of a child resource; the caller's own (provider, protect, aliases) reach it through its parent."""
        return pulumi.ResourceOptions(parent=self.component, transformations=[self._note], **options)

    def _note(self, child: pulumi.ResourceTransformationArgs) -> None:
        self.children.append(child.resource)

    def tags(self, part: str | None = None) -> pulumi.Output[dict[str, str]]:
        """The user's tags, the environment, and a Name where consoles show one; others' keys replace ours."""
        ours = {"Environment": self.settings.env_name} | ({"Name": self.named(part)} if part else {})

        def beside(provider: dict[str, str]) -> dict[str, str]:
            try:
                users = beside_default_tags(self.settings.tags, provider)
            except Refused as refused:
                raise pulumi.RunError(self.told(f"tags: {refused}")) from None
            return without_taken(ours, users, provider) | users

        return self.surroundings.default_tags.apply(beside)

    def run_time_tags(self, part: str | None = None) -> pulumi.Output[dict[str, str]]:
        """The same for what is not a resource of the provider, which gets the provider's default tags here."""
        both = pulumi.Output.all(self.surroundings.default_tags, self.tags(part))
        # In an order of their own: the provider's is none, and the definition holds them as text.
        return both.apply(lambda known: dict(sorted((known[0] | known[1]).items())))

    def role(self, part: str, service: str, policy: pulumi.Input[str]) -> tuple[aws.iam.Role, aws.iam.RolePolicy]:
        """A role that one AWS service assumes, and its policy, for those who use the role to wait for."""
        role = self.bare_role(part, f"{service}.amazonaws.com")
        return role, aws.iam.RolePolicy(self.named(part), role=role.id, policy=policy, opts=self.child())

    def bare_role(self, part: str, service: pulumi.Input[str]) -> aws.iam.Role:
        """A role without a policy. Services known to send it have to name this account (IAM guide, confused deputy)."""
        confined = isinstance(service, str) and service in _NAMING_THE_ACCOUNT
        template = read_data("policies/trust_for_account.json" if confined else "policies/trust.json")
        return aws.iam.Role(
            self.named(part),
            assume_role_policy=render_output(template, {"Service": service, "AccountId": self.surroundings.account_id}),
            permissions_boundary=self.settings.permissions_boundary_arn or None,
            tags=self.tags(),
            opts=self.child(),
        )

    def policy(self, name: str, values: Mapping[str, pulumi.Input[Any]]) -> pulumi.Output[str]:
        """The policy of that name, with its placeholders filled in; a statement about an empty list is left out."""
        return render_output(read_data(f"policies/{name}.json"), values).apply(spread)

    def policy_with_key(self, name: str, values: Mapping[str, pulumi.Input[Any]], *uses: str) -> pulumi.Output[str]:
        """The policy of that name, with the use of the customer's key where there is one; ``uses`` name more of it."""
        policy = self.policy(name, values)
        if not self.settings.kms_key_arn:
            return policy
        key = {"KmsKeyArn": self.settings.kms_key_arn, "Region": self.surroundings.region}
        added = [render_output(read_data(f"policies/{use}.json"), key) for use in ("kms", *uses)]

        def with_key(known: list[str]) -> str:
            document = json.loads(known[0])
            document["Statement"] += [json.loads(statement) for statement in known[1:]]
            return json.dumps(document)

        return pulumi.Output.all(policy, *added).apply(with_key)

    def judged(self, value: pulumi.Output[T], problem: Callable[[T], str | None]) -> pulumi.Output[T]:
        """The value, which the program is told the problem of as soon as it is known: outputs are, later than others.

        ``problem`` answers a line that begins with the parameter's key, or None.
        """

        def judge(known: T) -> T:
            if line := problem(known):
                raise pulumi.RunError(self.told(line))
            return known

        return value.apply(judge)

    def log_group(self, part: str, prefix: str) -> aws.cloudwatch.LogGroup:
        """A log group whose name begins with what the service that writes to it asks for."""
        return aws.cloudwatch.LogGroup(
            self.named(part),
            name_prefix=f"{prefix}/{self.name}-",
            retention_in_days=self.settings.log_retention_days,
            kms_key_id=self.settings.kms_key_arn or None,
            tags=self.tags(),
            opts=self.child(),
        )
