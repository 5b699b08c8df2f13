"""An array job on GPUs: each child trains on another part of the data, on one GPU, and all share the file system.

The image has /app/train.py, which is not part of this example; CUDA's libraries are the image's, the driver is the
instance's.
"""

import pulumi
from lustre_batch import LustreBatchAutoExport, LustreBatchAutoExportArgs

PARTS = 8
VCPUS = 4

training = LustreBatchAutoExport(
    "training",
    LustreBatchAutoExportArgs(
        compute_environment_instance_types=["g5", "g6"],
        compute_environment_allocation_strategy="SPOT_PRICE_CAPACITY_OPTIMIZED",
        compute_environment_maxv_cpus=PARTS * VCPUS,
        job_definition_array_size=PARTS,
        job_definition_gpus=1,
        job_definition_vcpus=VCPUS,
        job_definition_memory=14_000,
        job_definition_shared_memory_mib=4096,  # what PyTorch's data loaders share
        # Batch numbers the children from 0 (AWS_BATCH_JOB_ARRAY_INDEX).
        job_definition_command=[
            "sh",
            "-c",
            'python3 /app/train.py --part "$AWS_BATCH_JOB_ARRAY_INDEX" --of "$PARTS" --results /scratch/results',
        ],
        job_definition_environment={"PARTS": str(PARTS)},
    ),
)
pulumi.export("stateMachineArn", training.state_machine_arn)
pulumi.export("repositoryUrl", training.repository_url)
