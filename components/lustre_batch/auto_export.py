"""The component: checks the arguments, creates the parts in order and hands out what callers compose with.

It only wires; what a part looks like is that part's decision.
"""

from collections.abc import Mapping
from typing import Any

import pulumi
from pydantic.alias_generators import to_camel

from .args import LustreBatchAutoExportArgs
from .clean_up import create_clean_up_triggers
from .compute import create_compute
from .destruction import guard_destruction
from .locks import create_locks
from .metrics import create_check_metrics
from .naming import physical_name
from .network import create_network
from .notifications import create_topic
from .owner import Owner, Surroundings
from .settings import Settings, extra
from .storage import create_storage
from .validation import SettingsError, read_settings
from .workflow import create_workflow


class LustreBatchAutoExport(pulumi.ComponentResource):
    """Runs AWS Batch jobs on an Amazon FSx for Lustre file system that exists for one run only.

    A run of the state machine creates a file system linked to the bucket, runs the job on it, waits until everything
    is in the bucket, proves it, and removes what it created.
    """

    state_machine_arn: pulumi.Output[str]
    """ARN of the state machine; start it with run-time parameters or {}."""
    clean_up_state_machine_arn: pulumi.Output[str]
    """ARN of the state machine that cleans up; the run, a rule, a schedule and people start it."""
    bucket_name: pulumi.Output[str]
    """Name of the bucket that file systems are linked to."""
    repository_url: pulumi.Output[str]
    """URL of the image repository to push the job's image to; empty when an image is adopted."""
    job_queue_arn: pulumi.Output[str]
    """ARN of the job queue."""
    compute_environment_arn: pulumi.Output[str]
    """ARN of the compute environment."""
    parameters_secret_arn: pulumi.Output[str]
    """ARN of the secret with the run-time parameters; an edit takes effect with the next run."""
    check_metrics_function_name: pulumi.Output[str]
    """Name of the Lambda function that watches the export queue."""
    notification_topic_arn: pulumi.Output[str]
    """ARN of the topic to which failures, kept file systems and reclaims are published."""
    vpc_id: pulumi.Output[str]
    """Id of the VPC."""
    security_group_ids: pulumi.Output[list[str]]
    """Ids of the security groups of file system and instances."""

    def __init__(
        self,
        name: str,
        # Pulumi's component host reads the class from this annotation and takes no union.
        args: LustreBatchAutoExportArgs = None,  # type: ignore[assignment]
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Create the component.

        Raises
        ------
        SettingsError
            Before anything is registered, if an argument is wrong or contradicts another.
        """
        settings = settings_from_args(args or LustreBatchAutoExportArgs())
        super().__init__("lustre-batch:index:LustreBatchAutoExport", name, {}, opts)
        owner = Owner(physical_name(name), self, settings, Surroundings.of(self))

        topic = create_topic(owner)
        storage = create_storage(owner)
        network = create_network(owner, storage.bucket_arn)
        compute = create_compute(owner, network)
        check_metrics = create_check_metrics(owner)
        locks = create_locks(owner)
        workflow = create_workflow(owner, topic, network, storage, compute, check_metrics, locks)
        create_clean_up_triggers(owner, workflow)
        guard_destruction(owner, workflow)

        self.state_machine_arn = workflow.run.arn
        self.clean_up_state_machine_arn = workflow.clean_up.arn
        self.bucket_name = storage.bucket_name
        self.repository_url = storage.repository_url or pulumi.Output.from_input("")
        self.job_queue_arn = compute.job_queue_arn
        self.compute_environment_arn = compute.compute_environment_arn
        self.parameters_secret_arn = storage.parameters_secret_arn
        self.check_metrics_function_name = check_metrics.name
        self.notification_topic_arn = topic.arn
        self.vpc_id = pulumi.Output.from_input(network.vpc_id)
        self.security_group_ids = pulumi.Output.from_input(network.security_group_ids).apply(
            lambda ids: [str(each) for each in ids]
        )
        self.register_outputs({output: getattr(self, output) for output in _OUTPUTS})


_OUTPUTS = tuple(key for key in LustreBatchAutoExport.__annotations__ if not key.startswith("_"))


def settings_from_args(args: LustreBatchAutoExportArgs | Mapping[str, Any]) -> Settings:
    """Check the arguments, and take those that are outputs as they are."""
    values = args if isinstance(args, Mapping) else vars(args)  # a component provider hands over a mapping
    given = {key: value for key, value in values.items() if value is not None}
    outputs = {key: value for key, value in given.items() if _is_output(value)}
    if wrong := sorted(key for key in outputs if not extra(key)["composed"]):
        raise SettingsError(f"{to_camel(key)}: an output is not a value that is known beforehand" for key in wrong)
    # Their values come later; that they are given is all that the rules can ask for now.
    return read_settings(given, unknown=outputs).model_copy(update=outputs)


def _is_output(value: Any) -> bool:
    if isinstance(value, list | dict):
        return any(isinstance(item, pulumi.Output) for item in (value.values() if isinstance(value, dict) else value))
    return isinstance(value, pulumi.Output)
