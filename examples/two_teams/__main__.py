"""Two components on an existing network and bucket, which they neither change nor destroy."""

import pulumi
from lustre_batch import LustreBatchAutoExport, LustreBatchAutoExportArgs

config = pulumi.Config()

for team in ("imaging", "genomics"):
    lustre_batch = LustreBatchAutoExport(
        team,
        LustreBatchAutoExportArgs(
            vpc_id=config.require("vpcId"),
            subnet_ids=config.require_object("subnetIds"),
            bucket_name=config.require("bucketName"),
            bucket_prefix=f"{team}/",
            tags={"team": team},
        ),
    )
    pulumi.export(f"{team}StateMachineArn", lustre_batch.state_machine_arn)
    pulumi.export(f"{team}JobQueueArn", lustre_batch.job_queue_arn)
