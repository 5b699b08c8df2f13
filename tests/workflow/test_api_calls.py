"""Every call of the definition against AWS's own models: operations, members, values, answers and errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from botocore.model import ListShape, MapShape, Shape, StructureShape

from rehearsal.naming import sdk_name
from tests.workflow.asl import EXPRESSION, Node, Task, children, expressions, parsed, sdk_tasks, walk
from tests.workflow.conftest import Definition

# The shape of what an expression may read: a shape of the model, or one of these.
UNKNOWN, NOTHING, STATES = "unknown", "nothing", "$states"
Context = Shape | str | None


class Arguments:
    """Checks arguments, literal ones and those that an expression makes, against the shape of an operation's input."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def check(self, value: Any, shape: Shape, path: str) -> set[str]:
        """Note what is wrong, and give the members that are surely there."""
        if isinstance(value, str) and (match := EXPRESSION.match(value)):
            return self.check_node(parsed(match.group(1)), shape, path)
        if isinstance(value, Mapping) and isinstance(shape, StructureShape):
            return self.check_members([(key, item) for key, item in value.items()], shape, path, self.check)
        if isinstance(value, list) and isinstance(shape, ListShape):
            for number, item in enumerate(value):
                self.check_whole(item, shape.member, f"{path}[{number}]", self.check)
        else:
            self.check_literal(value, shape, path)
        return set()

    def check_whole(self, value: Any, shape: Shape, path: str, check: Any) -> None:
        """A value that nothing is merged with: what is required has to be in it."""
        present = check(value, shape, path)
        opaque = present == {"*"}
        if isinstance(shape, StructureShape) and not opaque:
            missing = {sdk_name(name) for name in shape.required_members} - present
            missing -= {sdk_name(name) for name, member in shape.members.items() if is_token(member)}
            self.problems += [f"{path}: {name} is missing" for name in sorted(missing)]

    def check_members(self, pairs: list[tuple[str, Any]], shape: StructureShape, path: str, check: Any) -> set[str]:
        members = {sdk_name(name): member for name, member in shape.members.items()}
        for key, item in pairs:
            if key not in members:
                self.problems.append(f"{path}.{key}: not a member of {shape.name}")
            else:
                self.check_whole(item, members[key], f"{path}.{key}", check)
        return {key for key, _ in pairs}

    def check_literal(self, value: Any, shape: Shape, path: str) -> None:
        wanted: dict[str, tuple[type, ...]] = {
            "string": (str,),
            "integer": (int,),
            "long": (int,),
            "boolean": (bool,),
            "list": (list,),
            "map": (dict,),
            "structure": (dict,),
        }
        if type(value) not in wanted.get(shape.type_name, (object,)):
            self.problems.append(f"{path}: {value!r} is no {shape.type_name}")
        enumeration = getattr(shape, "enum", None)
        if enumeration and value not in enumeration:
            self.problems.append(f"{path}: {value!r} is not one of {enumeration}")

    def check_node(self, node: Node, shape: Shape, path: str) -> set[str]:
        """The same for what an expression makes; "*" stands for what only shows when it runs."""
        kind = node.type
        if kind == "unary" and node.value == "{" and isinstance(shape, StructureShape):
            pairs = [(key.value, item) for key, item in node.lhs_object]
            return self.check_members(pairs, shape, path, self.check_node)
        if kind == "unary" and node.value == "[" and isinstance(shape, ListShape):
            for item in node.expressions:
                element = shape if item.type == "function" else shape.member
                self.check_whole(item, element, f"{path}[]", self.check_node)
            return {"*"}
        if kind == "function" and node.procedure.value == "map" and isinstance(shape, ListShape):
            self.check_whole(node.arguments[1].body, shape.member, f"{path}[]", self.check_node)
            return {"*"}
        if kind == "function" and node.procedure.value == "merge":
            (given,) = node.arguments
            surely: set[str] = set()
            for part in given.expressions if given.type == "unary" else []:
                surely |= self.check_node(part, shape, path)
            return surely or {"*"}
        if kind == "condition":
            arms = [self.check_node(arm, shape, path) for arm in (node.then, node._else)]
            return arms[0] & arms[1]
        if kind in ("block", "unary") and getattr(node, "expressions", None):
            return self.check_node(node.expressions[-1], shape, path)
        if kind in ("string", "number", "value"):
            self.check_literal(node.value, shape, path)
            return set()
        return {"*"}


def is_token(member: Shape) -> bool:
    return bool(member.serialization.get("idempotencyToken") or member.metadata.get("idempotencyToken"))


class Answers:
    """Follows what an expression reads of an answer through the shape of the operation's output."""

    def __init__(self, output: Context) -> None:
        self.output = output
        self.problems: list[str] = []
        self.paths = 0

    def member(self, context: Context, name: str) -> Context:
        if context == STATES:
            return self.output if name == "result" else UNKNOWN
        if context == NOTHING:
            self.problems.append(f"{name} is read of nothing; a variable needs its $")
            return UNKNOWN
        while isinstance(context, ListShape):
            context = context.member
        if isinstance(context, MapShape):
            return context.value
        if isinstance(context, StructureShape):
            members = {sdk_name(key): shape for key, shape in context.members.items()}
            self.paths += 1
            if name not in members:
                self.problems.append(f"{name} is not a member of {context.name}")
                return UNKNOWN
            return members[name]
        if isinstance(context, Shape):
            self.problems.append(f"{name} is read of {context.name}, which is a {context.type_name}")
        return UNKNOWN

    def follow(self, node: Node, context: Context, bound: dict[str, Context]) -> Context:
        """The shape of what a part of an expression gives."""
        kind = node.type
        if kind == "variable":
            if not node.value and context == NOTHING:
                self.problems.append("$ has no value at the top level")
            own = bound.get(node.value, UNKNOWN) if node.value else context
            return self.filtered(node, STATES if node.value == "states" else own, bound)
        if kind == "name":
            return self.filtered(node, self.member(context, node.value), bound)
        if kind == "path":
            for step in node.steps:
                literal = step.type == "string"  # a member whose name has to be quoted
                context = self.member(context, step.value) if literal else self.follow(step, context, bound)
                context = self.filtered(step, context, bound) if literal else context
            return context
        if kind == "bind":
            bound[node.lhs.value] = self.follow(node.rhs, context, bound)
            return bound[node.lhs.value]
        if kind == "lambda":
            return self.follow(node.body, context, dict(bound))
        last: Context = UNKNOWN
        stages = {id(stage) for stage in stages_of(node)}
        for child in children(node):
            if id(child) not in stages:
                last = self.follow(child, context, bound)
        return self.filtered(node, last if kind == "block" else UNKNOWN, bound)

    def filtered(self, node: Node, context: Context, bound: dict[str, Context]) -> Context:
        for stage in stages_of(node):
            inner = context
            while isinstance(inner, ListShape):
                inner = inner.member
            self.follow(stage.expr, inner, bound)
        return context


def stages_of(node: Node) -> list[Node]:
    return [*(getattr(node, "stages", None) or []), *(getattr(node, "predicate", None) or [])]


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
