"""One component on an existing network and bucket, which it neither changes nor destroys."""

import pulumi
from lustre_batch import LustreBatchAutoExport, LustreBatchAutoExportArgs

config = pulumi.Config()
results = LustreBatchAutoExport(
    "results",
    LustreBatchAutoExportArgs(
        vpc_id=config.require("vpcId"),
        subnet_ids=config.require_object("subnetIds"),
        bucket_name=config.require("bucketName"),
        bucket_prefix="runs/",
    ),
)
pulumi.export("stateMachineArn", results.state_machine_arn)
pulumi.export("repositoryUrl", results.repository_url)
