"""A small account for tests of the models: a network, a bucket, an environment and a queue, and short words for what
tests do with them."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

from rehearsal.aws.account import Account, Baseline
from rehearsal.play.scenario import Scenario, parse

# How long a file system takes to be created and deleted, where a test does not say.
TIMES = {"create": 420, "delete": 120}
USER_DATA = """MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="b"

--b
mount -t lustre {dns}@tcp:/{mount} /fsx
"""


@dataclass
class World:
    """What there is, and what tests do with it."""

    account: Account
    subnet: str
    group: str
    baseline: Baseline

    def scenario(self, **content: Any) -> Scenario:
        """Start again, with what this says planned; file systems come and go in times that are easy to reckon with."""
        content["file_system"] = {**TIMES, **content.get("file_system", {})}
        scenario = parse(content, "test")
        self.account.reset(self.baseline, scenario)
        return scenario

    def file_system(self, **more: Any) -> dict[str, Any]:
        """Ask for a file system."""
        request = {
            "FileSystemType": "LUSTRE",
            "FileSystemTypeVersion": "2.15",
            "StorageCapacity": 1200,
            "SubnetIds": [self.subnet],
            "SecurityGroupIds": [self.group],
            "LustreConfiguration": {"DeploymentType": "SCRATCH_2"},
            **more,
        }
        return dict(self.account.client("fsx").create_file_system(**request)["FileSystem"])

    def link(self, file_system_id: str, export: bool = True, **more: Any) -> dict[str, Any]:
        """Ask for an association of /scratch with the bucket."""
        events = ["NEW", "CHANGED", "DELETED"]
        request = {
            "FileSystemId": file_system_id,
            "FileSystemPath": "/scratch",
            "DataRepositoryPath": "s3://results-bucket/runs",
            "S3": {
                "AutoImportPolicy": {"Events": events},
                **({"AutoExportPolicy": {"Events": events}} if export else {}),
            },
            **more,
        }
        return dict(self.account.client("fsx").create_data_repository_association(**request)["Association"])

    def input(self, file_system_id: str, number: int) -> dict[str, Any]:
        """Ask for an association that only imports, once."""
        request = {
            "FileSystemId": file_system_id,
            "FileSystemPath": f"/input/{number}",
            "DataRepositoryPath": f"s3://results-bucket/in/{number}",
            "BatchImportMetaDataOnCreate": True,
        }
        return dict(self.account.client("fsx").create_data_repository_association(**request)["Association"])

    def linked(self, export: bool = True, **more: Any) -> tuple[str, str]:
        """A file system and its association, both AVAILABLE: their ids."""
        file_system_id = self.file_system(**more)["FileSystemId"]
        self.account.clock.advance(421)
        association_id = self.link(file_system_id, export)["AssociationId"]
        self.account.clock.advance(61)
        return file_system_id, association_id

    def switch_off(self, association_id: str) -> None:
        imports = {"AutoImportPolicy": {"Events": ["NEW"]}, "AutoExportPolicy": {"Events": []}}
        self.account.client("fsx").update_data_repository_association(AssociationId=association_id, S3=imports)

    def task(self, file_system_id: str, **more: Any) -> dict[str, Any]:
        report = {
            "Enabled": True,
            "Path": "s3://results-bucket/runs/reports",
            "Format": "REPORT_CSV_20191124",
            "Scope": "FAILED_FILES_ONLY",
        }
        request = {"Type": "EXPORT_TO_REPOSITORY", "Paths": ["scratch"], "Report": report, **more}
        answer = self.account.client("fsx").create_data_repository_task(FileSystemId=file_system_id, **request)
        return dict(answer["DataRepositoryTask"])

    def template(self, file_system_id: str, text: str | None = None) -> str:
        file_system = self.account.file_systems.all[file_system_id]
        dns = f"{file_system_id}.fsx.us-east-1.amazonaws.com"
        data = text if text is not None else USER_DATA.format(dns=dns, mount=file_system.mount_name)
        encoded = base64.b64encode(data.encode()).decode()
        answer = self.account.client("ec2").create_launch_template(
            LaunchTemplateName=f"template-{file_system_id}", LaunchTemplateData={"UserData": encoded}
        )
        return str(answer["LaunchTemplate"]["LaunchTemplateId"])

    def point(self, template_id: str) -> None:
        """Let the environment's instances start from that launch template."""
        self.account.client("batch").update_compute_environment(
            computeEnvironment="environment",
            computeResources={"launchTemplate": {"launchTemplateId": template_id, "version": "1"}},
        )

    def environment(self) -> dict[str, Any]:
        answer = self.account.client("batch").describe_compute_environments(computeEnvironments=["environment"])
        return dict(answer["computeEnvironments"][0])

    def submit(self, vcpus: int = 4, memory: int = 2048, array_size: int = 0, **retry: Any) -> str:
        """Register a definition, submit a job of it, give its id."""
        batch = self.account.client("batch")
        definition = batch.register_job_definition(
            jobDefinitionName="work",
            type="container",
            containerProperties={
                "image": "image",
                "resourceRequirements": [
                    {"type": "VCPU", "value": str(vcpus)},
                    {"type": "MEMORY", "value": str(memory)},
                ],
                "volumes": [{"name": "scratch", "host": {"sourcePath": "/fsx/scratch"}}],
                "mountPoints": [{"sourceVolume": "scratch", "containerPath": "/scratch"}],
            },
            retryStrategy=retry or {"attempts": 1},
        )["jobDefinitionArn"]
        array = {"arrayProperties": {"size": array_size}} if array_size else {}
        return str(batch.submit_job(jobName="work", jobQueue="queue", jobDefinition=definition, **array)["jobId"])

    def job(self, job_id: str) -> dict[str, Any]:
        return dict(self.account.client("batch").describe_jobs(jobs=[job_id])["jobs"][0])

    def running(self, **retry: Any) -> tuple[str, str]:
        """A linked file system, an environment that mounts it, a job submitted to it: ids of file system and job."""
        file_system_id, _ = self.linked()
        self.point(self.template(file_system_id))
        self.account.clock.advance(121)
        return file_system_id, self.submit(**retry)
