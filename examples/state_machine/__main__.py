"""A run as one step of another state machine, which waits for it and goes on with what is in the bucket then."""

import pulumi
import pulumi_aws as aws
from lustre_batch import LustreBatchAutoExport

simulation = LustreBatchAutoExport("simulation")
results = aws.sns.Topic("results")

account_id = aws.get_caller_identity_output().account_id
region = aws.get_region_output().region
partition = aws.get_partition_output().partition
role = aws.iam.Role(
    "pipeline",
    assume_role_policy=pulumi.Output.json_dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "states.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                    "Condition": {"StringEquals": {"aws:SourceAccount": account_id}},
                }
            ],
        }
    ),
)
# Step Functions guide, "Start a new AWS Step Functions state machine from a running execution": what .sync:2 needs.
may_run = aws.iam.RolePolicy(
    "pipeline",
    role=role.id,
    policy=pulumi.Output.json_dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Action": "states:StartExecution", "Resource": simulation.state_machine_arn},
                {
                    "Effect": "Allow",
                    "Action": ["states:DescribeExecution", "states:StopExecution"],
                    "Resource": simulation.state_machine_arn.apply(
                        lambda arn: arn.replace(":stateMachine:", ":execution:") + ":*"
                    ),
                },
                {
                    "Effect": "Allow",
                    "Action": ["events:PutTargets", "events:PutRule", "events:DescribeRule"],
                    "Resource": pulumi.Output.concat(
                        "arn:",
                        partition,
                        ":events:",
                        region,
                        ":",
                        account_id,
                        ":rule/",
                        "StepFunctionsGetEventsForStepFunctionsExecutionRule",
                    ),
                },
                {"Effect": "Allow", "Action": "sns:Publish", "Resource": results.arn},
            ],
        }
    ),
)
pipeline = aws.sfn.StateMachine(
    "pipeline",
    role_arn=role.arn,
    definition=pulumi.Output.json_dumps(
        {
            "QueryLanguage": "JSONata",
            "StartAt": "Simulate",
            "States": {
                "Simulate": {
                    "Type": "Task",
                    # Fails when the run fails, with the run's own error and cause.
                    "Resource": pulumi.Output.concat("arn:", partition, ":states:::states:startExecution.sync:2"),
                    "Arguments": {
                        "StateMachineArn": simulation.state_machine_arn,
                        "Input": {
                            "lustreStorageCapacity": "{% $states.input.capacity_gib %}",
                            # Links both executions in the console; the run takes it and ignores it.
                            "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID": "{% $states.context.Execution.Id %}",
                        },
                    },
                    "Next": "Tell",
                },
                "Tell": {
                    "Type": "Task",
                    "Resource": pulumi.Output.concat("arn:", partition, ":states:::sns:publish"),
                    "Arguments": {
                        "TopicArn": results.arn,
                        "Message": pulumi.Output.concat("The results are in s3://", simulation.bucket_name),
                    },
                    "End": True,
                },
            },
        }
    ),
    opts=pulumi.ResourceOptions(depends_on=[may_run]),
)
pulumi.export("stateMachineArn", pipeline.arn)
pulumi.export("repositoryUrl", simulation.repository_url)
