"""The lanes: Batch compute environments, each with its job queue, and the role of their instances.

The launch template belongs to the workflow, which names the file system of the run in it: nothing here may set or
reset it, or a deployment would take the file system away from a running job. So does the update policy, by which a
deployment waits for a running job: the provider takes no more than 360 minutes of the 7200 that Batch does
(terraform-provider-aws #48709), and sends a policy only where that itself has changed.
"""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from .instance_types import image_types
from .network import Network
from .owner import Owner
from .rules import TAG_OF_STACK


@dataclass(frozen=True)
class Lane:
    """What the job of one run at a time runs on."""

    compute_environment_arn: pulumi.Output[str]
    job_queue_arn: pulumi.Output[str]
    queue: pulumi.Resource


def create_compute(owner: Owner, network: Network, stack_id: pulumi.Output[str]) -> list[Lane]:
    """Create the lanes; a queue goes before its environment when the stack is destroyed, the role last."""
    # By this tag, which the user cannot give, the roles of runs and clean-ups may use the stack's lanes and no others
    # (Batch guide, resource-level permissions: aws:ResourceTag). The ARNs of twenty lanes would leave them no room for
    # anything else (policy_room.py), and another project's stack of this name has lanes whose names begin alike.
    tags = pulumi.Output.all(owner.tags(), stack_id).apply(lambda known: known[0] | {TAG_OF_STACK: known[1]})
    profile, attachment = _create_instance_profile(owner)
    lanes = range(1, owner.settings.max_concurrent_runs + 1)
    return [_create_lane(owner, network, number, tags, profile, attachment) for number in lanes]


def _create_lane(
    owner: Owner,
    network: Network,
    number: int,
    tags: pulumi.Output[dict[str, str]],
    profile: aws.iam.InstanceProfile,
    attachment: pulumi.Resource,
) -> Lane:
    settings = owner.settings
    # The first is called as the only one was before there were several: it must not be replaced.
    suffix = "" if number == 1 else f"-{number}"
    environment = aws.batch.ComputeEnvironment(
        owner.named(f"environment{suffix}"),
        type="MANAGED",
        # No service role: only with Batch's service-linked one can the workflow update the environment
        # (Batch guide, updating compute environments).
        compute_resources={
            "type": settings.compute_environment_type,
            "allocation_strategy": settings.compute_environment_allocation_strategy,
            "instance_types": settings.compute_environment_instance_types,
            "min_vcpus": settings.compute_environment_minv_cpus,
            "max_vcpus": settings.compute_environment_maxv_cpus,
            "desired_vcpus": settings.compute_environment_desiredv_cpus,
            "ec2_configurations": [
                {"image_type": image_type} for image_type in image_types(settings.compute_environment_instance_types)
            ],
            "instance_role": profile.arn,
            "security_group_ids": network.security_group_ids,
            "subnets": network.compute_subnet_ids,
            "tags": owner.run_time_tags("instance"),
        },
        tags=tags,
        opts=owner.child(
            # The workflow sets the first two, Batch the third. A launch template that appears on an environment, or
            # another image type, would make the provider plan a replacement (terraform-provider-aws #44644;
            # ec2_configuration: ForceNew): a job that runs would go on in an environment that mounts nothing.
            ignore_changes=[
                "computeResources.launchTemplate",
                "computeResources.ec2Configurations",
                "computeResources.desiredVcpus",
            ],
            depends_on=[attachment, *network.ready],
        ),
    )
    queue = aws.batch.JobQueue(
        owner.named(f"queue{suffix}"),
        # Until a run holds the lane and has pointed it at its file system: no job may start on an instance without one.
        state="DISABLED",
        priority=1,
        compute_environment_orders=[{"order": 1, "compute_environment": environment.arn}],
        tags=tags,
        # The workflow's: a deployment must not refuse the jobs of a run, nor let any in between runs.
        opts=owner.child(ignore_changes=["state"]),
    )
    return Lane(environment.arn, queue.arn, queue)


def _create_instance_profile(owner: Owner) -> tuple[aws.iam.InstanceProfile, pulumi.Resource]:
    # EC2's name as a principal follows the partition (amazonaws.com.cn in China).
    role = owner.bare_role("instance", pulumi.Output.concat("ec2.", owner.surroundings.dns_suffix))
    attachment = aws.iam.RolePolicyAttachment(
        owner.named("instance"),
        role=role.name,
        # What the ECS agent needs, and no more (Batch guide, ECS instance role).
        policy_arn=owner.surroundings.partition.apply(
            lambda partition: f"arn:{partition}:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role"
        ),
        opts=owner.child(),
    )
    profile = aws.iam.InstanceProfile(owner.named("instance"), role=role.name, tags=owner.tags(), opts=owner.child())
    return profile, attachment
