"""Every example is run: what it registers beside the component is what its first sentence says, and may do that and no
more. The pages' installation lines are typed as they stand."""

from __future__ import annotations

import ast
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
from functools import cache
from typing import Any

import botocore.session
import pytest
import yaml
from botocore.validate import ParamValidator
from lustre_batch import LustreBatchAutoExport, read_settings
from lustre_batch.testing import Graph, record
from pydantic.alias_generators import to_camel

from rehearsal.provider.deployment import ROOT
from tests.docs import markdown

EXAMPLES = ROOT / "examples"
PROGRAMS = sorted(path.parent.name for path in EXAMPLES.glob("*/__main__.py"))
ADOPTED = {"vpcId": "vpc-12345678", "subnetIds": '["subnet-12345678"]', "bucketName": "results"}
MACHINE, ROLE, POLICY = "aws:sfn/stateMachine:StateMachine", "aws:iam/role:Role", "aws:iam/rolePolicy:RolePolicy"


@cache
def made(example: str) -> Graph:
    return record(EXAMPLES / example, config=ADOPTED)


def allowed(example: str, role: str) -> dict[str, Any]:
    """What the role may do: actions, and the resource of each."""
    statements = json.loads(made(example).one(POLICY, role).inputs["policy"])["Statement"]
    assert {each["Effect"] for each in statements} == {"Allow"}
    found = {}
    for each in statements:
        for action in each["Action"] if isinstance(each["Action"], list) else [each["Action"]]:
            found[action] = each["Resource"]
    return found


def assumed_by(example: str, role: str) -> tuple[str, dict[str, Any]]:
    (statement,) = json.loads(made(example).one(ROLE, role).inputs["assumeRolePolicy"])["Statement"]
    return statement["Principal"]["Service"], statement["Condition"]


def run_arn(example: str, component: str) -> str:
    """The ARN of the machine that runs start with."""
    return str(made(example).one(MACHINE, f"{component}-workflow").outputs["arn"])


def role_arn(example: str, role: str) -> str:
    return str(made(example).one(ROLE, role).outputs["arn"])


# ---------------------------------------------------------------------- existing network and bucket, two teams
@pytest.mark.parametrize("example", ["adopted", "two_teams"])
def test_what_is_adopted_is_neither_created_nor_changed(example: str) -> None:
    created = {each.type for each in made(example).children}
    assert not {type_ for type_ in created if type_.startswith(("aws:s3/", "aws:ec2/vpc", "aws:ec2/subnet"))}
    for environment in made(example).all("aws:batch/computeEnvironment:ComputeEnvironment"):
        assert environment.inputs["computeResources"]["subnets"] == ["subnet-12345678"]


def test_results_go_under_the_prefix_of_the_adopted_bucket() -> None:
    assert "s3://results/runs/" in made("adopted").one(MACHINE, "results-workflow").inputs["definition"]


def test_two_teams_have_a_queue_a_prefix_and_a_tag_each() -> None:
    graph = made("two_teams")
    assert len({graph.exports[f"{team}JobQueueArn"] for team in ("imaging", "genomics")}) == 2
    for team in ("imaging", "genomics"):
        machine = graph.one(MACHINE, f"{team}-workflow")
        assert f"s3://results/{team}/" in machine.inputs["definition"]
        assert machine.inputs["tags"]["team"] == team


# ---------------------------------------------------------------------- what starts a run
def test_the_schedule_starts_the_run_every_night_with_an_input_that_a_run_takes() -> None:
    schedule = made("schedule").one("aws:scheduler/schedule:Schedule", "nightly").inputs
    assert schedule["scheduleExpression"] == "cron(0 2 * * ? *)"
    assert schedule["target"]["arn"] == run_arn("schedule", "nightly")
    read_settings(json.loads(schedule["target"]["input"]))
    assert schedule["target"]["roleArn"] == role_arn("schedule", "schedule")
    assert allowed("schedule", "schedule") == {"states:StartExecution": run_arn("schedule", "nightly")}
    assert assumed_by("schedule", "schedule") == (
        "scheduler.amazonaws.com",
        {"StringEquals": {"aws:SourceAccount": "123456789012"}},
    )


def test_the_state_machine_waits_for_the_run_and_may_do_what_that_takes() -> None:
    machine = made("state_machine").one(MACHINE, "pipeline").inputs
    definition = json.loads(machine["definition"])
    step = definition["States"][definition["StartAt"]]
    simulation = run_arn("state_machine", "simulation")
    assert step["Resource"] == "arn:aws:states:::states:startExecution.sync:2"
    assert step["Arguments"]["StateMachineArn"] == simulation
    given = dict(step["Arguments"]["Input"])
    assert given.pop("AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID") == "{% $states.context.Execution.Id %}"
    read_settings(dict.fromkeys(given, "1200"))
    assert definition["States"][step["Next"]]["Arguments"]["Message"].startswith("The results are in s3://simulation-")
    assert machine["roleArn"] == role_arn("state_machine", "pipeline")
    # Step Functions guide, service integration with Step Functions, IAM policies: synchronous.
    executions = simulation.replace(":stateMachine:", ":execution:") + ":*"
    rule = "arn:aws:events:us-east-1:123456789012:rule/StepFunctionsGetEventsForStepFunctionsExecutionRule"
    assert allowed("state_machine", "pipeline") == {
        "states:StartExecution": simulation,
        **dict.fromkeys(("states:DescribeExecution", "states:StopExecution"), executions),
        **dict.fromkeys(("events:PutTargets", "events:PutRule", "events:DescribeRule"), rule),
        "sns:Publish": definition["States"][step["Next"]]["Arguments"]["TopicArn"],
    }
    assert assumed_by("state_machine", "pipeline")[0] == "states.amazonaws.com"


def test_one_object_that_is_uploaded_last_starts_the_run_and_no_export_of_another_does() -> None:
    graph = made("upload")
    rule = graph.one("aws:cloudwatch/eventRule:EventRule", "uploads")
    pattern = json.loads(rule.inputs["eventPattern"])
    # S3 guide, using EventBridge: event message structure.
    assert pattern == {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {"bucket": {"name": [graph.exports["bucketName"]]}, "object": {"key": ["incoming/ready"]}},
    }
    target = graph.one("aws:cloudwatch/eventTarget:EventTarget", "uploads").inputs
    assert target["arn"] == run_arn("upload", "on-upload")
    read_settings(json.loads(target["input"]))
    assert target["roleArn"] == role_arn("upload", "uploads")
    assert allowed("upload", "uploads") == {"states:StartExecution": run_arn("upload", "on-upload")}
    service, condition = assumed_by("upload", "uploads")
    assert service == "events.amazonaws.com"
    assert condition["ArnEquals"]["aws:SourceArn"].startswith("arn:aws:events:us-east-1:123456789012:rule/uploads-")


def test_the_notification_of_fsx_beside_that_of_the_upload_is_left_alone() -> None:
    notification = made("upload").one("aws:s3/bucketNotification:BucketNotification")
    assert notification.inputs == {"bucket": made("upload").exports["bucketName"], "eventbridge": True}
    assert set(notification.ignore_changes) == {"lambdaFunctions", "queues", "topics"}
    assert notification.retain_on_delete


# ---------------------------------------------------------------------- other languages, pages, installation
def test_the_yaml_program_has_properties_and_outputs_that_exist() -> None:
    program = yaml.safe_load((EXAMPLES / "yaml" / "Pulumi.yaml").read_text("utf-8"))
    (resource,) = program["resources"].values()
    assert resource["type"] == "lustre-batch:index:LustreBatchAutoExport"
    read_settings(resource["properties"])
    outputs = record(EXAMPLES / "schedule").exports
    assert {expression.split(".")[1].rstrip("}") for expression in program["outputs"].values()} <= {
        *outputs,
        "bucketName",
    }


# ---------------------------------------------------------------------- GPUs
def test_the_children_of_the_array_have_a_gpu_each_and_room_to_run_at_once() -> None:
    graph = made("gpu_array")
    resources = graph.all("aws:batch/computeEnvironment:ComputeEnvironment")[0].inputs["computeResources"]
    # Batch guide, "Using a GPU workload AMI": the image type that brings the driver.
    assert "ECS_AL2023_NVIDIA" in {each["imageType"] for each in resources["ec2Configurations"]}
    job = json.loads(graph.one("aws:secretsmanager/secretVersion:SecretVersion").text("secretString"))
    assert (job["jobDefinitionArraySize"], job["jobDefinitionGpus"]) == (8, 1)
    assert job["jobDefinitionArraySize"] * job["jobDefinitionVcpus"] == resources["maxVcpus"]
    assert "$AWS_BATCH_JOB_ARRAY_INDEX" in job["jobDefinitionCommand"][-1]


# ---------------------------------------------------------------------- other languages
# The program uses nothing that TypeScript adds to JavaScript, so that Node runs it; these stand in for what it imports,
# the SDK that Pulumi generates from the component's schema among them. Its types are not checked here.
STAND_INS = {
    "node_modules/@pulumi/aws/index.js": "export const s3 = { Bucket: class { bucket = 'results' } };",
    "node_modules/@pulumi/lustre-batch/index.js": """
        export class LustreBatchAutoExport {
            constructor(name, args) {
                globalThis.made.push([name, args]);
                return new Proxy({}, { get: (_, output) => (globalThis.read.push(output), "") });
            }
        }""",
    "run.mjs": """
        globalThis.made = []; globalThis.read = [];
        const exported = Object.keys(await import("./index.mjs"));
        console.log(JSON.stringify({ made, read, exported }));""",
}


# In continuous integration a missing Node.js is a failure, and no reason to skip.
@pytest.mark.skipif(shutil.which("node") is None and os.environ.get("CI") != "true", reason="needs Node.js")
def test_the_typescript_program_uses_inputs_and_outputs_that_exist(tmp_path: pathlib.Path) -> None:
    for name, text in STAND_INS.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    for package in (tmp_path / "node_modules" / "@pulumi").iterdir():
        (package / "package.json").write_text('{"type": "module", "exports": "./index.js"}')
    (tmp_path / "index.mjs").write_text((EXAMPLES / "typescript" / "index.ts").read_text("utf-8"))
    done = subprocess.run(["node", "run.mjs"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    ((name, arguments),) = found["made"]
    assert name == "simulation"
    assert read_settings(arguments).run_time_values()["jobDefinitionEnvironment"] == {"STEPS": "1000"}
    assert found["read"] == ["stateMachineArn", "bucketName"]
    assert set(found["read"]) <= {to_camel(output) for output in LustreBatchAutoExport.__annotations__}
    assert set(found["exported"]) == {"stateMachineArn", "bucketName"}


def test_the_typescript_project_takes_the_component_from_this_checkout() -> None:
    folder = EXAMPLES / "typescript"
    project = yaml.safe_load((folder / "Pulumi.yaml").read_text("utf-8"))
    assert project["runtime"] == "nodejs"
    assert (folder / project["packages"]["lustre-batch"] / "PulumiPlugin.yaml").exists()
    package = json.loads((folder / "package.json").read_text("utf-8"))
    imported = set(re.findall(r'from "([^"]+)"', (folder / "index.ts").read_text("utf-8")))
    assert imported == {"@pulumi/aws", "@pulumi/lustre-batch"}
    assert imported - {"@pulumi/lustre-batch"} <= set(package["dependencies"])
    assert json.loads((folder / "tsconfig.json").read_text("utf-8"))["files"] == [package["main"]]


def test_every_example_is_on_the_page_with_what_its_project_says() -> None:
    elsewhere = ("..", "https:")
    listed = {link.partition("/")[0] for link in markdown.links("examples/README.md") if not link.startswith(elsewhere)}
    assert {*PROGRAMS, "yaml", "typescript", "sample_job", "snakemake", "metaflow"} == {
        link for link in listed if not link.startswith("#")
    }
    for example in PROGRAMS:
        project = yaml.safe_load((EXAMPLES / example / "Pulumi.yaml").read_text("utf-8"))
        assert project["description"], example
        assert project["runtime"]["name"] == "python"


@pytest.mark.parametrize("example", PROGRAMS)
def test_what_an_example_installs_is_this_checkout(example: str) -> None:
    lines = (EXAMPLES / example / "requirements.txt").read_text("utf-8").splitlines()
    wanted = [line for line in lines if line and not line.startswith("#")]
    assert [(EXAMPLES / example / path).resolve() for path in wanted] == [ROOT]


def test_the_installation_lines_work_as_they_stand(tmp_path: pathlib.Path) -> None:
    """All but what would be downloaded: the checkout is found and its metadata is made, in the folder that is named."""
    commands = [shlex.split(command) for command in markdown.commands("examples/README.md")]
    folder = ROOT / next(words[1] for words in commands if words[0] == "cd")
    (install,) = [words for words in commands if words[:2] == ["pip", "install"] and "-r" in words]
    pip = [sys.executable, "-m", "pip", *install[1:], "--no-deps", "--no-build-isolation", "--no-index", "--quiet"]
    done = subprocess.run(
        [*pip, "--dry-run", "--report", tmp_path / "report"], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    (package,) = json.loads((tmp_path / "report").read_text())["install"]
    assert package["metadata"]["name"] == "lustre-batch"


# ---------------------------------------------------------------------- jobs of workflow engines on a session
def test_an_engines_job_definition_is_one_that_batch_takes_and_mounts_what_the_instance_mounts() -> None:
    given = json.loads((EXAMPLES / "snakemake" / "job-definition.json").read_text(encoding="utf-8"))
    shape = botocore.session.get_session().get_service_model("batch").operation_model("RegisterJobDefinition")
    report = ParamValidator().validate(given, shape.input_shape)
    assert not report.has_errors(), report.generate_report()
    container = given["containerProperties"]
    ((volume,), (mount,)) = container["volumes"], container["mountPoints"]
    assert (volume["host"]["sourcePath"], mount["sourceVolume"]) == ("/fsx/scratch", volume["name"])
    assert (mount["containerPath"], mount["readOnly"]) == ("/scratch", False)
    # The path that the item of a session names.
    assert session_path() == "/fsx/scratch"


def session_path() -> str:
    return str(session_item()["path"]["S"])


def session_item() -> dict[str, Any]:
    """What a run writes into the table when its session is open."""
    machine = next(
        json.loads(each.inputs["definition"])["States"]
        for each in made("schedule").all(MACHINE)
        if "OpenSession" in each.inputs["definition"]
    )
    item: dict[str, Any] = machine["OpenSession"]["Arguments"]["Item"]
    return item


def test_the_snakemake_profile_names_that_job_definition_and_no_queue() -> None:
    folder = EXAMPLES / "snakemake"
    profile = yaml.safe_load((folder / "profile" / "config.yaml").read_text(encoding="utf-8"))
    name = json.loads((folder / "job-definition.json").read_text(encoding="utf-8"))["jobDefinitionName"]
    assert (profile["executor"], profile["aws-batch-job-definition"]) == ("aws-batch", name)
    assert "aws-batch-job-queue" not in profile, "it is the session's"
    assert "--aws-batch-job-queue" in (folder / "README.md").read_text(encoding="utf-8")


def test_every_metaflow_step_that_runs_on_batch_does_so_in_the_session_and_mounts_its_file_system() -> None:
    tree = ast.parse((EXAMPLES / "metaflow" / "flow.py").read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "batch"]
    assert len(calls) == 2
    for call in calls:
        given = {each.arg: ast.unparse(each.value) for each in call.keywords}
        assert (given["queue"], given["host_volumes"]) == ("QUEUE", f"['{session_path()}']")


def test_the_pages_of_engines_take_the_queue_from_the_command_which_prints_the_sessions_item() -> None:
    assert "queueArn" in session_item()
    words = "lustre-batch session start --json | tail -1 | jq -r .queueArn"
    for page in ("examples/snakemake/README.md", "examples/metaflow/README.md"):
        assert words in (ROOT / page).read_text(encoding="utf-8"), page
