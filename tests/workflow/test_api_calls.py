"""Every call of the definition against AWS's own models: operations, members, values, answers and errors."""

from __future__ import annotations

import pytest

from tests.workflow.asl import Node, Task, expressions, parsed, sdk_tasks, walk
from tests.workflow.conftest import Definition
from tests.workflow.shapes import NOTHING, UNKNOWN, Answers, Arguments


def by_name(definition: Definition) -> dict[str, Task]:
    return {task.name: task for task in sdk_tasks(definition.states)}


def test_every_task_calls_an_aws_api_or_the_function(definition: Definition) -> None:
    resources = {
        name: state["Resource"] for name, state in definition.states.items() if name not in by_name(definition)
        if state["Type"] == "Task"
    }  # fmt: skip
    assert resources == {"CheckMetrics": "arn:aws:states:::lambda:invoke"}


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
        ("CreateFileSystem", ("'FileSystemType'", None), ".FileSystemType is missing"),
        ("CreateAssociation", ("'FileSystemPath'", "'FilePath'"), ".FilePath: not a member"),
        ("CreateAssociation", ("'Events'", "'Event'"), ".S3.AutoImportPolicy.Event: not a member"),
        ("CreateAssociation", ("'NEW'", "'FRESH'"), "'FRESH' is not one of"),
        ("CreateAssociation", ("'Value'", "'Wert'"), ".Tags[][].Wert: not a member"),
    ],
)
def test_a_wrong_argument_would_be_noticed(
    definition: Definition, state: str, change: tuple[str, str | None], problem: str
) -> None:
    task = by_name(definition)[state]
    given = task.state["Arguments"]
    old, new = change
    broken = (
        {key: value for key, value in given.items() if key != old.strip("'")}
        if new is None
        else given.replace(old, new)
    )
    arguments = Arguments()
    assert task.model.input_shape is not None
    arguments.check_whole(broken, task.model.input_shape, "", arguments.check)
    assert problem.lstrip(".").replace(" is missing", "") in " ".join(arguments.problems)


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
        if answers.problems:
            wrong[name] = answers.problems
    assert wrong == {}
    assert paths > 60, "almost nothing was followed"


@pytest.mark.parametrize(
    ("operation", "expression", "problem"),
    [
        ("DescribeFileSystem", "$states.result.FileSystems[0].DNSName", "DNSName is not a member of FileSystem"),
        ("DescribeFileSystem", "$states.result.FileSystem.Lifecycle", "FileSystem is not a member"),
        ("FindWhatWasCreated", "$states.result.FileSystems[Tags[Name = 'x']]", "Name is not a member of Tag"),
        ("DescribeJob", "$states.result.Jobs.{'id': jobId}", "jobId is not a member of JobDetail"),
        ("DescribeJob", "jobs[0]", "jobs is read of nothing"),
        ("DescribeJob", "$", "$ has no value at the top level"),
    ],
)
def test_a_wrong_path_would_be_noticed(definition: Definition, operation: str, expression: str, problem: str) -> None:
    answers = Answers(by_name(definition)[operation].model.output_shape)
    answers.follow(parsed(expression), NOTHING, {})
    assert problem in " ".join(answers.problems)


def test_the_function_is_asked_and_answers_in_the_words_of_its_contract(definition: Definition) -> None:
    state = definition.states["CheckMetrics"]
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


def test_the_job_runs_as_the_user_data_and_the_bucket_expect(definition: Definition) -> None:
    job = definition.states["RegisterJobDefinition"]["Arguments"]
    container = job["ContainerProperties"]
    assert container["Volumes"] == [{"Name": "scratch", "Host": {"SourcePath": "/fsx/scratch"}}]
    assert container["MountPoints"] == [{"SourceVolume": "scratch", "ContainerPath": "/scratch", "ReadOnly": False}]
    assert {each["Type"] for each in container["ResourceRequirements"]} == {"VCPU", "MEMORY"}
    assert not {"Vcpus", "Memory"} & set(container), "deprecated (SDK ContainerProperties)"
    assert job["RetryStrategy"]["EvaluateOnExit"] == [
        {"OnStatusReason": "Host EC2*", "Action": "RETRY"},
        {"OnReason": "*", "Action": "EXIT"},
    ]


def test_the_file_system_is_a_scratch_one_whose_log_tells_of_files_that_were_given_up(definition: Definition) -> None:
    arguments = definition.states["CreateFileSystem"]["Arguments"]
    lustre = arguments["LustreConfiguration"]
    assert (arguments["FileSystemType"], lustre["DeploymentType"]) == ("LUSTRE", "SCRATCH_2")
    assert lustre["LogConfiguration"]["Level"] == "WARN_ERROR"
    # SDK LustreLogCreateConfiguration: the group itself, without what IAM appends.
    assert not lustre["LogConfiguration"]["Destination"].endswith(":*")
    assert ":/aws/fsx/" in lustre["LogConfiguration"]["Destination"]


def test_the_export_task_takes_the_whole_linked_path_and_reports_into_the_bucket(definition: Definition) -> None:
    """SDK CreateDataRepositoryTask: paths are relative to the mount point; the report lies in the linked bucket."""
    arguments = definition.states["CreateExportTask"]["Arguments"]
    link = definition.states["CreateAssociation"]["Arguments"]
    assert arguments["Type"] == "EXPORT_TO_REPOSITORY"
    assert arguments["Paths"] == ["scratch"]
    assert "'FileSystemPath': '/scratch'" in link
    assert f"'DataRepositoryPath': '{arguments['Report']['Path'].rsplit('/', 1)[0]}/'" in link
    assert arguments["Report"]["Enabled"] is True
    assert arguments["Report"]["Scope"] == "FAILED_FILES_ONLY"


def test_the_user_data_in_the_launch_template_is_mime_multipart_with_the_file_systems_names_filled_in(
    definition: Definition,
) -> None:
    expression = definition.states["CreateLaunchTemplate"]["Arguments"]["LaunchTemplateData"]["UserData"]
    (literal,) = [node for node in strings(parsed(expression[2:-2])) if node.value.startswith("Content-Type")]
    assert literal.value.startswith("Content-Type: multipart/mixed;")
    assert "text/cloud-boothook" in literal.value
    assert literal.value.count("@@DNS_NAME@@") == literal.value.count("@@MOUNT_NAME@@") == 1
    assert "'@@DNS_NAME@@', $dnsName" in expression
    assert "'@@MOUNT_NAME@@', $mountName" in expression


def strings(node: Node) -> list[Node]:
    return [each for each in walk(node) if each.type == "string"]


def test_a_launch_template_version_is_named_rather_than_the_latest(definition: Definition) -> None:
    """Batch guide, launch templates: $Latest and $Default are resolved at the update, not at a launch."""
    arguments = definition.states["UpdateComputeEnvironment"]["Arguments"]
    assert arguments["ComputeResources"]["LaunchTemplate"]["Version"] == "1"
