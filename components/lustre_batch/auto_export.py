"""The component: checks the arguments, creates the parts in order and hands out what callers compose with.

It only wires; what a part looks like is that part's decision.
"""

import pulumi

from .alarms import create_alarms
from .args import LustreBatchAutoExportArgs
from .arguments import Told, settings_from_args
from .clean_up import create_clean_up_triggers
from .compute import create_compute
from .dashboard import create_dashboard
from .destruction import guard_destruction
from .lanes import create_lanes_table, open_lanes
from .metrics import create_check_metrics
from .naming import physical_name
from .network import create_network
from .notifications import create_topic
from .owner import Owner, Surroundings
from .storage import create_storage
from .workflow import create_workflow, run_machine_arn


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
    """ARN of the first lane's job queue."""
    compute_environment_arn: pulumi.Output[str]
    """ARN of the first lane's compute environment."""
    job_queue_arns: pulumi.Output[list[str]]
    """ARNs of the job queues, one for each lane."""
    compute_environment_arns: pulumi.Output[list[str]]
    """ARNs of the compute environments, one for each lane."""
    lanes_table_name: pulumi.Output[str]
    """Name of the table that says which run holds which lane and prefix, and who waits."""
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
        ArgumentsError
            Before anything is registered, if an argument is wrong or contradicts another.
        """
        told = Told(name, args or LustreBatchAutoExportArgs())
        settings = settings_from_args(told)
        super().__init__("lustre-batch:index:LustreBatchAutoExport", name, {}, opts)
        owner = Owner(physical_name(name), self, settings, Surroundings.of(self), told)

        topic = create_topic(owner)
        storage = create_storage(owner)
        network = create_network(owner, storage.bucket_arn)
        table, machine_arn = create_lanes_table(owner), run_machine_arn(owner, topic)
        lanes = open_lanes(owner, table, create_compute(owner, network, topic.name), machine_arn)
        check_metrics = create_check_metrics(owner)
        workflow = create_workflow(owner, topic, network, storage, lanes, check_metrics)
        undelivered = create_clean_up_triggers(owner, workflow)
        watched = {
            "RunMachineArn": machine_arn,
            "CleanUpMachineArn": workflow.clean_up.arn,
            "StackId": topic.name,
            "UndeliveredQueueName": undelivered.name,
        }
        create_dashboard(owner, watched, create_alarms(owner, watched, topic))
        guard_destruction(owner, workflow)

        self.state_machine_arn = workflow.run.arn
        self.clean_up_state_machine_arn = workflow.clean_up.arn
        self.bucket_name = storage.bucket_name
        self.repository_url = storage.repository_url or pulumi.Output.from_input("")
        self.job_queue_arn = lanes.job_queue_arns.apply(lambda arns: arns[0])
        self.compute_environment_arn = lanes.compute_environment_arns.apply(lambda arns: arns[0])
        self.job_queue_arns = lanes.job_queue_arns
        self.compute_environment_arns = lanes.compute_environment_arns
        self.lanes_table_name = lanes.table_name
        self.parameters_secret_arn = storage.parameters_secret_arn
        self.check_metrics_function_name = check_metrics.name
        self.notification_topic_arn = topic.arn
        self.vpc_id = pulumi.Output.from_input(network.vpc_id)
        self.security_group_ids = pulumi.Output.from_input(network.security_group_ids).apply(
            lambda ids: [str(each) for each in ids]
        )
        self.register_outputs({output: getattr(self, output) for output in _OUTPUTS})


_OUTPUTS = tuple(key for key in LustreBatchAutoExport.__annotations__ if not key.startswith("_"))
