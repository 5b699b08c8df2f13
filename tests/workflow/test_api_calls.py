"""Every call of the definition against AWS's own models: operations, members, values, answers and errors."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from lustre_batch import Settings

from tests.graph.recording import record_stack
from tests.workflow.asl import OPTIMISED, Node, Task, expressions, optimised_tasks, parsed, sdk_tasks, walk
from tests.workflow.conftest import Definition, definition_of
from tests.workflow.evaluation import FILE_SYSTEM, RUN, evaluate
from tests.workflow.shapes import NOTHING, UNKNOWN, Answers, Arguments

KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def by_name(definition: Definition) -> dict[str, Task]:
    return {task.name: task for task in sdk_tasks(definition.states)}


def test_every_task_calls_an_aws_api_the_function_or_a_state_machine(definition: Definition) -> None:
    tasks = {name for name, state in definition.states.items() if state["Type"] == "Task"}
    optimised = optimised_tasks(definition.states)
    assert tasks == set(by_name(definition)) | set(optimised)
    assert set(optimised.values()) <= set(OPTIMISED)


def test_only_the_run_waits_for_what_it_starts(run: Definition, clean_up: Definition) -> None:
    """A clean-up that waited for another would hold it up; a sweep starts one for each execution and ends."""
    assert optimised_tasks(run.states) == {
        "Reclaim": "states:startExecution.sync:2",
        "CleanUpHolder": "states:startExecution",
        "WaitForCleanUp": "states:startExecution.sync:2",
    }
    assert optimised_tasks(clean_up.states) == {
        "CheckMetrics": "lambda:invoke",
        "StartCleanUp": "states:startExecution",
    }


def test_a_start_has_the_arguments_that_start_execution_takes(run: Definition, clean_up: Definition) -> None:
    """Step Functions guide, nested workflows: StateMachineArn, Input as JSON, and Name."""
    for definition in (run, clean_up):
        for name, resource in optimised_tasks(definition.states).items():
            if resource.startswith("states:"):
                arguments = definition.states[name]["Arguments"]
                assert {"StateMachineArn", "Input"} <= set(arguments) <= {"StateMachineArn", "Input", "Name"}, name


def test_both_ways_to_start_a_clean_up_lead_to_the_same_machine(run: Definition, clean_up: Definition) -> None:
    machine = "arn:aws:states:us-east-1:123456789012:stateMachine:autoexport-4b8453b-clean-up"
    for name in ("Reclaim", "WaitForCleanUp"):
        assert run.states[name]["Arguments"]["StateMachineArn"] == machine
    assert clean_up.states["StartCleanUp"]["Arguments"]["StateMachineArn"] == "{% $states.context.StateMachine.Id %}"


def test_the_run_links_itself_to_the_clean_up_it_waits_for(run: Definition) -> None:
    """Step Functions guide, starting executions from a task; the clean-up knows by it that the run itself has asked."""
    for name in ("Reclaim", "WaitForCleanUp"):
        assert "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID" in str(run.states[name]["Arguments"]["Input"])


def test_every_operation_exists(definition: Definition) -> None:
    for task in by_name(definition).values():
        assert task.operation[0].islower(), task.name
        operations = {name[0].lower() + name[1:] for name in task.service_model.operation_names}
        assert task.operation in operations, task.name


def test_every_argument_is_a_member_of_its_operation_and_none_that_is_required_is_missing(
    definition: Definition,
) -> None:
    wrong = {}
    for task in by_name(definition).values():
        arguments = Arguments()
        assert task.model.input_shape is not None
        arguments.check_whole(task.state["Arguments"], task.model.input_shape, "", arguments.check)
        if arguments.problems:
            wrong[task.name] = arguments.problems
    assert wrong == {}


@pytest.mark.parametrize(
    ("state", "change", "problem"),
    [
        ("CreateFileSystem", ("'FileSystemType': 'LUSTRE',", ""), ".FileSystemType is missing"),
        ("CreateFileSystem", ("'PerUnitStorageThroughput'", "'Throughput'"), ".Throughput: not a member"),
        ("CreateFileSystem", ("'USER_PROVISIONED'", "'USER'"), "'USER' is not one of"),
        ("CreateAssociation", ("'FileSystemPath'", "'FilePath'"), ".FilePath: not a member"),
        ("CreateAssociation", ("'Events'", "'Event'"), ".S3.AutoImportPolicy.Event: not a member"),
        ("CreateAssociation", ("'NEW'", "'FRESH'"), "'FRESH' is not one of"),
        ("CreateAssociation", ("'Value'", "'Wert'"), ".Tags[][].Wert: not a member"),
        ("TakeLane", ('"TableName"', None), ".TableName is missing"),
        ("TakeLane", ('"ConditionExpression"', '"Condition"'), ".Condition: not a member"),
    ],
)
def test_a_wrong_argument_would_be_noticed(
    run: Definition, state: str, change: tuple[str, str | None], problem: str
) -> None:
    task = by_name(run)[state]
    given = task.state["Arguments"]
    old, new = change
    assert old in json.dumps(given)
    broken = (
        {key: value for key, value in given.items() if key != old.strip('"')}
        if new is None
        else json.loads(json.dumps(given).replace(old, new))
    )
    arguments = Arguments()
    assert task.model.input_shape is not None
    arguments.check_whole(broken, task.model.input_shape, "", arguments.check)
    assert problem.lstrip(".").replace(" is missing", "") in " ".join(arguments.problems)


# Read beside the SDK integration's own spelling, in case that is not what arrives: an empty name costs two hours.
OTHER_SPELLINGS = ["DNSName is not a member of FileSystem"]


def test_everything_read_of_an_answer_is_a_member_of_it_as_the_sdk_integration_spells_it(
    definition: Definition,
) -> None:
    wrong, paths = {}, 0
    for name, state in definition.states.items():
        task = by_name(definition).get(name)
        answers = Answers(task.model.output_shape if task else UNKNOWN)
        for _, expression in expressions(state):
            answers.follow(parsed(expression), NOTHING, {})
        paths += answers.paths
        problems = [problem for problem in answers.problems if problem not in OTHER_SPELLINGS]
        if problems:
            wrong[name] = problems
    assert wrong == {}
    assert paths > 40, "almost nothing was followed"


@pytest.mark.parametrize(
    ("operation", "expression", "problem"),
    [
        ("DescribeFileSystem", "$states.result.FileSystems[0].DNSName", "DNSName is not a member of FileSystem"),
        ("DescribeFileSystem", "$states.result.FileSystem.Lifecycle", "FileSystem is not a member"),
        ("FindFileSystems", "$states.result.FileSystems[Tags[Name = 'x']]", "Name is not a member of Tag"),
        ("DescribeJob", "$states.result.Jobs.{'id': jobId}", "jobId is not a member of JobDetail"),
        ("DescribeJob", "jobs[0]", "jobs is read of nothing"),
        ("DescribeJob", "$", "$ has no value at the top level"),
    ],
)
def test_a_wrong_path_would_be_noticed(
    run: Definition, clean_up: Definition, operation: str, expression: str, problem: str
) -> None:
    answers = Answers((by_name(run) | by_name(clean_up))[operation].model.output_shape)
    answers.follow(parsed(expression), NOTHING, {})
    assert problem in " ".join(answers.problems)


def test_the_function_is_asked_and_answers_in_the_words_of_its_contract(clean_up: Definition) -> None:
    state = clean_up.states["CheckMetrics"]
    assert set(state["Arguments"]) == {"FunctionName", "Payload"}
    (payload,) = [text for where, text in expressions(state["Arguments"]) if where == "/Payload"]
    keys = {key.value for part in parsed(payload).arguments[0].expressions for key in keys_of(part)}
    assert keys == {"fileSystemId", "jobStoppedAt", "periodSeconds", "timeDiffMinutes", "quietMinutes"}
    read = " ".join(text for _, text in expressions(state["Assign"]))
    assert "$states.result.Payload.shouldDeleteFSx" in read
    assert "$states.result.Payload.reason" in read


def keys_of(node: Node) -> list[Node]:
    if node.type == "condition":
        return keys_of(node.then) + keys_of(node._else)
    return [key for key, _ in node.lhs_object]


def test_every_error_that_is_named_can_be_raised(definition: Definition) -> None:
    """Step Functions guide: <service>.<exception class of the Java SDK>. FSx has been seen as Fsx and as FSx."""
    for task in by_name(definition).values():
        classes = {
            name if name.endswith("Exception") else name.removesuffix("Fault") + "Exception"
            for name in (shape.name for shape in task.service_model.error_shapes)
        }
        base = str(task.service_model.metadata["serviceId"]).replace(" ", "")
        for each in task.state["Retry"] + task.state["Catch"]:
            for error in each["ErrorEquals"]:
                if error.startswith("States."):
                    assert error in {"States.ALL", "States.TaskFailed", "States.Timeout", "States.QueryEvaluationError"}
                    continue
                prefix, name = error.split(".")
                assert prefix.lower() == base.lower(), (task.name, error)
                assert name in classes | {"SdkClientException"} or name.lower() == f"{base}exception".lower(), (
                    task.name,
                    error,
                )


def test_fsx_errors_are_matched_under_either_prefix(definition: Definition) -> None:
    for task in by_name(definition).values():
        for each in task.state["Retry"] + task.state["Catch"]:
            names = {error for error in each["ErrorEquals"] if error.lower().startswith("fsx.")}
            for prefix, other in (("Fsx.", "FSx."), ("FSx.", "Fsx.")):
                for error in names:
                    assert error.replace(prefix, other) in names, (task.name, error)


def test_the_job_runs_as_the_user_data_and_the_bucket_expect(run: Definition) -> None:
    job = job_definition(run)
    container = job["ContainerProperties"]
    assert container["Volumes"] == [{"Name": "scratch", "Host": {"SourcePath": "/fsx/scratch"}}]
    assert container["MountPoints"] == [{"SourceVolume": "scratch", "ContainerPath": "/scratch", "ReadOnly": False}]
    assert {each["Type"] for each in container["ResourceRequirements"]} == {"VCPU", "MEMORY"}
    assert not {"Vcpus", "Memory"} & set(container), "deprecated (SDK ContainerProperties)"
    assert job["RetryStrategy"]["EvaluateOnExit"] == [
        {"OnStatusReason": "Host EC2*", "Action": "RETRY"},
        {"OnStatusReason": "Task failed to start*", "Action": "RETRY"},
        {"OnReason": "CannotPullContainerError*", "Action": "RETRY"},
        {"OnReason": "*", "Action": "EXIT"},
    ]


def job_definition(run: Definition, links: list[dict[str, str]] | None = None, **changed: Any) -> dict[str, Any]:
    """What the run asks Batch for with these parameters."""
    parameters = Settings().run_time_values() | {"jobDefinitionContainerImage": "image:latest"} | changed
    asked = evaluate(
        run.states["RegisterJobDefinition"]["Arguments"],
        parameters=parameters,
        tags={"a": "1"},
        links=links or LINKS[:1],
    )
    return dict(asked)


def test_a_job_definition_has_the_command_and_the_environment_of_the_run(run: Definition) -> None:
    plain = job_definition(run)["ContainerProperties"]
    assert (plain["Command"], plain["Environment"]) == ([], []), "the image's own"
    chosen = job_definition(
        run, jobDefinitionCommand=["sleep", 60], jobDefinitionEnvironment={"STEPS": 1000, "NAME": "größe"}
    )["ContainerProperties"]
    assert chosen["Command"] == ["sleep", "60"]
    assert chosen["Environment"] == [{"Name": "STEPS", "Value": "1000"}, {"Name": "NAME", "Value": "größe"}]
    one = job_definition(run, jobDefinitionCommand=["true"], jobDefinitionEnvironment={"A": ""})["ContainerProperties"]
    assert (one["Command"], one["Environment"]) == (["true"], [{"Name": "A", "Value": ""}])


def test_a_job_definition_has_what_the_run_asks_for_and_nothing_else(run: Definition) -> None:
    plain = job_definition(run)["ContainerProperties"]
    assert not {"User", "Privileged", "LinuxParameters", "JobRoleArn"} & set(plain)
    assert plain["Ulimits"] == []
    role = "arn:aws:iam::123456789012:role/job"
    limits = [{"name": "memlock", "softLimit": -1, "hardLimit": -1}]
    whole = job_definition(
        run,
        jobDefinitionUser="1000:100",
        jobDefinitionSharedMemoryMib=2048,
        jobDefinitionUlimits=limits,
        jobDefinitionGpus=2,
        jobRoleArn=role,
    )["ContainerProperties"]
    assert (whole["User"], whole["JobRoleArn"]) == ("1000:100", role)
    assert whole["LinuxParameters"] == {"SharedMemorySize": 2048}
    assert whole["Ulimits"] == [{"Name": "memlock", "SoftLimit": -1, "HardLimit": -1}]
    assert whole["ResourceRequirements"] == [
        {"Type": "VCPU", "Value": "32"},
        {"Type": "MEMORY", "Value": "30000"},
        {"Type": "GPU", "Value": "2"},
    ]


def test_a_job_is_privileged_only_if_the_stack_says_so() -> None:
    privileged = definition_of(record_stack({"jobDefinitionPrivileged": "true"}), "run")
    assert job_definition(privileged)["ContainerProperties"]["Privileged"] is True


def test_tags_of_the_job_stand_beside_those_of_every_resource_which_win(run: Definition) -> None:
    chosen: dict[str, Any] = {"jobDefinitionTags": {"A": "2", "cost": 12}}
    assert job_definition(run)["Tags"] == {"a": "1"}
    assert job_definition(run, **chosen)["Tags"] == {"a": "1", "cost": "12"}
    parameters = Settings().run_time_values() | chosen
    assert submission(run, tags={"a": "1"}, parameters=parameters)["Tags"] == {"a": "1", "cost": "12"}


def submission(run: Definition, **given: Any) -> dict[str, Any]:
    """What the run asks Batch for, with what it noted before."""
    known = {
        "target": RUN,
        "jobDefinitionArn": "arn:of-the-definition",
        "tags": {},
        "queueArn": "arn:aws:batch:q",
    } | given
    noted = evaluate(run.states["NoteSubmission"]["Assign"], **known)
    return dict(evaluate(run.states["SubmitJob"]["Arguments"], **known, **noted))


@pytest.mark.parametrize(("size", "asked"), [(0, None), (2, {"Size": 2}), (10_000, {"Size": 10_000})])
def test_an_array_is_asked_for_with_its_size_and_any_other_job_without(
    run: Definition, size: int, asked: dict[str, int] | None
) -> None:
    parameters = Settings().run_time_values() | {"jobDefinitionArraySize": size}
    request = submission(run, parameters=parameters)
    assert request.get("ArrayProperties") == asked
    assert (request["JobDefinition"], request["PropagateTags"]) == ("arn:of-the-definition", True)
    assert request["JobQueue"].startswith("arn:aws:batch:")


def test_a_job_has_the_time_limit_of_batch_itself_so_that_it_ends_even_if_nobody_looks(run: Definition) -> None:
    assert job_definition(run)["Timeout"]["AttemptDurationSeconds"] == Settings().job_timeout_minutes * 60
    assert job_definition(run, jobDefinitionAttemptSeconds=90)["Timeout"]["AttemptDurationSeconds"] == 90


def creation(run: Definition, **changed: Any) -> dict[str, Any]:
    """What the run asks FSx for with these parameters."""
    parameters = Settings().run_time_values() | changed
    asked = evaluate(run.states["CreateFileSystem"]["Arguments"], parameters=parameters, target=RUN, tags={"a": "1"})
    return dict(asked)


def test_the_file_system_is_a_scratch_one_whose_log_tells_of_files_that_were_given_up(run: Definition) -> None:
    asked = creation(run)
    lustre = asked["LustreConfiguration"]
    assert (asked["FileSystemType"], lustre["DeploymentType"]) == ("LUSTRE", "SCRATCH_2")
    assert set(lustre) == {"DeploymentType", "DataCompressionType", "LogConfiguration"}
    assert "KmsKeyId" not in asked
    assert lustre["LogConfiguration"]["Level"] == "WARN_ERROR"
    # SDK LustreLogCreateConfiguration: the group itself, without what IAM appends.
    assert not lustre["LogConfiguration"]["Destination"].endswith(":*")
    assert ":/aws/fsx/" in lustre["LogConfiguration"]["Destination"]
    assert {"Key": "lustre-batch:deleteLustre", "Value": "true"} in asked["Tags"]


def test_a_persistent_file_system_is_asked_for_with_what_belongs_to_its_type_alone(run: Definition) -> None:
    """SDK CreateFileSystemLustreConfiguration: AutomaticBackupRetentionDays is 0 unless it is given."""
    plain = creation(run, lustreDeploymentType="PERSISTENT_1", lustrePerUnitStorageThroughput=50)
    assert plain["LustreConfiguration"]["PerUnitStorageThroughput"] == 50
    assert not {"MetadataConfiguration", "AutomaticBackupRetentionDays"} & set(plain["LustreConfiguration"])
    whole = creation(
        run,
        lustreDeploymentType="PERSISTENT_2",
        lustrePerUnitStorageThroughput=1000,
        lustreDataCompressionType="LZ4",
        lustreMetadataIops=12_000,
    )["LustreConfiguration"]
    assert (whole["PerUnitStorageThroughput"], whole["DataCompressionType"]) == (1000, "LZ4")
    assert whole["MetadataConfiguration"] == {"Mode": "USER_PROVISIONED", "Iops": 12_000}


@pytest.mark.parametrize(("kind", "named"), [("SCRATCH_2", False), ("PERSISTENT_1", True), ("PERSISTENT_2", True)])
def test_the_customers_key_is_named_for_persistent_file_systems_alone(kind: str, named: bool) -> None:
    """SDK CreateFileSystem, KmsKeyId: scratch types are encrypted by a key of FSx's own."""
    with_key = definition_of(record_stack({"kmsKeyArn": KEY}))
    asked = creation(with_key, lustreDeploymentType=kind, lustrePerUnitStorageThroughput=200)
    assert asked.get("KmsKeyId") == (KEY if named else None)


def test_the_export_task_takes_the_results_alone_and_reports_beside_them(run: Definition, clean_up: Definition) -> None:
    """SDK CreateDataRepositoryTask: paths are relative to the mount point; without any, everything is exported. The
    report lies within the path of one of the associations (CompletionReport)."""
    arguments = clean_up.states["CreateExportTask"]["Arguments"]
    results = "s3://results/runs/today/"
    link = linking(run, 0)
    assert (link["FileSystemPath"], link["DataRepositoryPath"]) == ("/scratch", results)
    assert arguments["Type"] == "EXPORT_TO_REPOSITORY"
    assert arguments["Paths"] == ["scratch"]
    for told in (results, results.rstrip("/")):
        found = {"AssociationId": "dra-1", "Lifecycle": "AVAILABLE", "FileSystemPath": "/scratch"}
        answer = {"Associations": [found | {"DataRepositoryPath": told}]}
        known = evaluate(clean_up.states["FindAssociation"]["Assign"], {"result": answer})
        assert evaluate(arguments["Report"], reportPath=known["reportPath"]) == {
            "Enabled": True,
            "Path": "s3://results/runs/today/lustre-batch-reports",
            "Format": "REPORT_CSV_20191124",
            "Scope": "FAILED_FILES_ONLY",
        }


LINKS = [
    {"path": "/scratch/", "repository": "s3://results/runs/today/"},
    {"path": "/input/reference/", "repository": "s3://results/reference/"},
    {"path": "/input/genomes/hg38/", "repository": "s3://genomes/hg38/"},
]


def linking(run: Definition, made: int, target: str = RUN, **changed: Any) -> dict[str, Any]:
    """What a run that has made so many of its links asks FSx for next."""
    asked = evaluate(
        run.states["CreateAssociation"]["Arguments"],
        associationIds=[f"dra-{number}" for number in range(made)],
        fileSystemId=FILE_SYSTEM,
        links=LINKS,
        parameters=Settings().run_time_values() | changed,
        tags={"a": "1"},
        target=target,
    )
    return dict(asked)


@pytest.mark.parametrize("export", [True, False])
def test_results_are_linked_with_the_policies_of_the_run_and_inputs_with_none(run: Definition, export: bool) -> None:
    """FSx guide, linking: without policies nothing is exported, nor is the bucket told to send notifications."""
    events = {"Events": ["NEW", "CHANGED", "DELETED"]}
    shared = {
        "FileSystemId": FILE_SYSTEM,
        "BatchImportMetaDataOnCreate": True,
        "ImportedFileChunkSize": 512,
        "Tags": [{"Key": "a", "Value": "1"}],
    }
    for made, link in enumerate(LINKS):
        asked = linking(run, made, autoExport=export, lustreImportedFileChunkSize=512)
        assert asked.pop("ClientRequestToken")
        assert asked.pop("S3", None) == (
            None if made else {"AutoImportPolicy": events, **({"AutoExportPolicy": events} if export else {})}
        )
        assert asked == shared | {
            "FileSystemPath": link["path"].rstrip("/"),
            "DataRepositoryPath": link["repository"],
        }


def test_inputs_are_mounted_read_only_below_input_where_there_are_any(run: Definition) -> None:
    for links, mounted in ((LINKS, True), (LINKS[:1], False)):
        properties = job_definition(run, links=links)["ContainerProperties"]
        assert properties["Volumes"][1:] == (
            [{"Name": "input", "Host": {"SourcePath": "/fsx/input"}}] if mounted else []
        )
        assert properties["MountPoints"][1:] == (
            [{"SourceVolume": "input", "ContainerPath": "/input", "ReadOnly": True}] if mounted else []
        )


def test_the_user_data_in_the_launch_template_is_mime_multipart_with_the_file_systems_names_filled_in(
    run: Definition,
) -> None:
    expression = run.states["CreateLaunchTemplate"]["Arguments"]["LaunchTemplateData"]["UserData"]
    (literal,) = [node for node in strings(parsed(expression[2:-2])) if node.value.startswith("Content-Type")]
    assert literal.value.startswith("Content-Type: multipart/mixed;")
    assert "text/cloud-boothook" in literal.value
    assert literal.value.count("@@DNS_NAME@@") == literal.value.count("@@MOUNT_NAME@@") == 1
    assert "'@@DNS_NAME@@', $dnsName" in expression
    assert "'@@MOUNT_NAME@@', $mountName" in expression


def strings(node: Node) -> list[Node]:
    return [each for each in walk(node) if each.type == "string"]


def test_a_launch_template_version_is_named_rather_than_the_latest(run: Definition) -> None:
    """Batch guide, launch templates: $Latest and $Default are resolved at the update, not at a launch."""
    arguments = run.states["UpdateComputeEnvironment"]["Arguments"]
    assert arguments["ComputeResources"]["LaunchTemplate"]["Version"] == "1"


@pytest.mark.parametrize(
    ("types", "images"), [(["c7i"], ["ECS_AL2023"]), (["c7i", "g5"], ["ECS_AL2023", "ECS_AL2023_NVIDIA"])]
)
def test_each_run_names_the_images_that_the_deployed_types_need(types: list[str], images: list[str]) -> None:
    """A deployment must not: another image type replaces the environment (terraform-provider-aws: ForceNew)."""
    run = definition_of(record_stack({"computeEnvironmentInstanceTypes": json.dumps(types)}), "run")
    sent = run.states["UpdateComputeEnvironment"]["Arguments"]["ComputeResources"]["Ec2Configuration"]
    assert evaluate(sent) == [{"ImageType": image} for image in images]


def test_each_run_takes_the_newest_image_and_gives_a_job_that_runs_there_half_an_hour(
    run: Definition, clean_up: Definition
) -> None:
    """Batch guide, AMI versions: an environment keeps its first image until an update asks for the latest."""
    updates = [
        run.states["UpdateComputeEnvironment"],
        *(clean_up.states[f"ReleaseEnvironment{x}"] for x in ("", "Again")),
    ]
    assert updates[0]["Arguments"]["ComputeResources"]["UpdateToLatestImageVersion"] is True
    for update in updates:
        assert update["Arguments"]["UpdatePolicy"] == {
            "TerminateJobsOnUpdate": False,
            "JobExecutionTimeoutMinutes": 30,
        }


def test_while_its_job_runs_an_update_of_others_waits_for_it_as_long_as_batch_allows(run: Definition) -> None:
    """SDK UpdatePolicy: at most 7200. The environment keeps the policy of its last update."""
    state = run.states["LetJobFinish"]
    assert state["Arguments"]["UpdatePolicy"] == {"TerminateJobsOnUpdate": False, "JobExecutionTimeoutMinutes": 7200}
    assert evaluate(state["Arguments"]["ComputeResources"], environmentMaxvCpus=96) == {"MaxvCpus": 96}
    # In vain, the job runs all the same.
    assert {state["Next"], *(catcher["Next"] for catcher in state["Catch"])} == {"FindImportTask"}


def test_instances_start_from_an_encrypted_root_volume_and_leave_nothing_behind_when_they_shut_down(
    run: Definition,
) -> None:
    data = run.states["CreateLaunchTemplate"]["Arguments"]["LaunchTemplateData"]
    (mapping,) = data["BlockDeviceMappings"]
    assert mapping["DeviceName"] == "/dev/xvda"
    assert evaluate(mapping["Ebs"]) == {
        "VolumeType": "gp3",
        "VolumeSize": 100,
        "Encrypted": True,
        "DeleteOnTermination": True,
    }
    assert data["InstanceInitiatedShutdownBehavior"] == "terminate"


def test_the_metadata_service_wants_a_token_and_answers_the_instance_alone(run: Definition) -> None:
    options = run.states["CreateLaunchTemplate"]["Arguments"]["LaunchTemplateData"]["MetadataOptions"]
    assert evaluate(options) == {"HttpTokens": "required", "HttpPutResponseHopLimit": 1}


def test_everybody_reads_and_writes_one_item_consistently(run: Definition, clean_up: Definition) -> None:
    """DynamoDB guide, read consistency: a read is not, unless it says so."""
    readers = [
        run.states["ReadLanes"],
        *(clean_up.states[name] for name in ("FindHolding", "ReadHolders", "SweepLanes")),
    ]
    writers = [run.states["TakeLane"], clean_up.states["GiveBack"]]
    for state in [*readers, *writers]:
        assert state["Arguments"]["Key"] == {"kind": {"S": "lanes"}, "id": {"S": "lanes"}}
    assert {state["Arguments"]["ConsistentRead"] for state in [*readers, run.states["CountTickets"]]} == {True}
    assert "'ConsistentRead': true" in run.states["ReadTickets"]["Arguments"]
    tables = {state["Arguments"]["TableName"] for state in [*readers, *writers]}
    assert len(tables) == 1


def test_a_ticket_has_one_key_and_the_order_of_the_runs_starts(run: Definition, clean_up: Definition) -> None:
    keys = [run.states["ReturnTicket"], *(clean_up.states[name] for name in ("FindTicket", "RemoveTicket"))]
    item = run.states["TakeTicket"]["Arguments"]["Item"]
    for key in [state["Arguments"]["Key"] for state in keys]:
        assert key == {"kind": item["kind"], "id": item["id"]}
    since = run.states["PrepareTicket"]["Assign"]["ticketSince"]
    moments = ["2026-01-15T09:00:00Z", "2026-01-15T09:00:00.001Z", "2026-01-15T09:00:01Z"]
    of = [evaluate(since, {"context": {"Execution": {"StartTime": moment}}}, target=RUN) for moment in moments]
    assert of == sorted(of)
    given = {"ticketSince": of[1], "nextKey": {}}
    asked = [evaluate(run.states[name]["Arguments"], **given) for name in ("ReadTickets", "CountTickets")]
    for one in asked:
        assert one["KeyConditionExpression"] == "kind = :kind AND since < :since"
        assert one["ExpressionAttributeValues"] == {":kind": {"S": "ticket"}, ":since": {"S": of[1]}}
        assert one["IndexName"] == "in-order"
    assert "ExclusiveStartKey" not in asked[0]
    more = evaluate(run.states["ReadTickets"]["Arguments"], **given | {"nextKey": {"kind": {"S": "x"}}})
    assert more["ExclusiveStartKey"] == {"kind": {"S": "x"}}


def test_tokens_of_two_creations_differ_and_those_of_one_are_the_same(run: Definition, clean_up: Definition) -> None:
    """A token that two creations share would give the second one the answer of the first."""
    tokens = [
        evaluate(state["Arguments"][member], target="execution-1")
        for state in run.states.values()
        for member in ("ClientRequestToken", "ClientToken")
        if isinstance(state.get("Arguments"), dict) and member in state["Arguments"]
    ]
    tokens += [linking(run, made, "execution-1")["ClientRequestToken"] for made in range(3)]
    assert linking(run, 1, "execution-1")["ClientRequestToken"] in tokens
    assert linking(run, 1, "execution-2")["ClientRequestToken"] not in tokens
    text = run.states["CreateFileSystem"]["Arguments"]
    first_run, again, second_run = (
        evaluate(text, target=target, tags={}, parameters=Settings().run_time_values())["ClientRequestToken"]
        for target in ("execution-1", "execution-1", "execution-2")
    )
    assert first_run == again
    tokens.append(first_run)
    assert len(tokens) == len(set(tokens)) == 5
    assert second_run not in tokens
    task = clean_up.states["CreateExportTask"]["Arguments"]["ClientRequestToken"]
    first, again, second = (evaluate(task, tasks=tasks) for tasks in ([], [], [{"id": "task-1"}]))
    assert first == again != second
    # FSx API, ClientRequestToken: at most 63 characters; EC2, ClientToken: at most 128.
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]{1,63}", token) for token in [*tokens, first])
