"""The run-time parameters as the state machine reads them: secret below input, text as numbers, every mistake named."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from lustre_batch import Settings, read_settings
from lustre_batch.combinations import contradictions
from lustre_batch.settings import lists_and_maps
from lustre_batch.validation import SettingsError

from tests.graph.recording import record_stack
from tests.settings.mistakes import BAD, PARAMETER, SECRET
from tests.workflow.conftest import Definition, definition_of
from tests.workflow.evaluation import RUN, choose, evaluate

DEFAULTS = Settings().run_time_values() | {"jobDefinitionContainerImage": "image:latest"}
MISTAKES = [(key, value) for key, value, _ in BAD if key in DEFAULTS]


@pytest.fixture(scope="module")
def adopted() -> Definition:
    may_read = {"jobSecretArns": json.dumps([SECRET, PARAMETER])}
    return definition_of(record_stack({"jobDefinitionContainerImage": "image:latest"} | may_read))


def check(definition: Definition, secret: Any = None, given: Any = None) -> dict[str, Any]:
    """What the state machine makes of a secret's text and an execution's input."""
    variables = read(definition, secret, given)
    return {"parameters": variables.get("checked"), "problems": variables["problems"]}


def read(definition: Definition, secret: Any = None, given: Any = None) -> dict[str, Any]:
    """Every variable by the time at which the parameters are judged."""
    states = {"context": {"Execution": {"Input": {} if given is None else given}}}
    variables: dict[str, Any] = {"stored": DEFAULTS if secret is None else secret}
    name, refused = choose(definition, definition.states["GetParameters"]["Next"], states, **variables)
    if refused:
        assert name == "Summarise"
        return {"problems": [refused["failure"]["Cause"]]}
    while definition.states[name]["Type"] == "Pass":
        variables |= evaluate(definition.states[name]["Assign"], states, **variables)
        name = definition.states[name]["Next"]
    assert name == "AreParametersValid"
    return variables


def test_the_deployments_values_pass_as_they_are(adopted: Definition) -> None:
    assert check(adopted) == {"parameters": DEFAULTS, "problems": []}


def test_a_secret_that_lost_keys_falls_back_to_the_deployments_values(adopted: Definition) -> None:
    assert check(adopted, secret={"jobDefinitionVcpus": 8}) == {
        "parameters": DEFAULTS | {"jobDefinitionVcpus": 8},
        "problems": [],
    }


def test_the_executions_input_goes_before_the_secret(adopted: Definition) -> None:
    secret = DEFAULTS | {"jobDefinitionVcpus": 8, "jobDefinitionMemory": 2000}
    checked = check(adopted, secret=secret, given={"jobDefinitionVcpus": 16})
    assert checked["parameters"]["jobDefinitionVcpus"] == 16
    assert checked["parameters"]["jobDefinitionMemory"] == 2000


def test_numbers_and_booleans_may_be_text(adopted: Definition) -> None:
    text = {key: value if isinstance(value, str) else json.dumps(value) for key, value in DEFAULTS.items()}
    assert check(adopted, secret=text | {"deleteLustre": "false"}) == {
        "parameters": DEFAULTS | {"deleteLustre": False},
        "problems": [],
    }


def test_a_lustre_version_may_be_a_number(adopted: Definition) -> None:
    assert check(adopted, given={"lustreFileSystemTypeVersion": 2.12})["parameters"]["lustreFileSystemTypeVersion"] == (
        "2.12"
    )


@pytest.mark.parametrize("value", [1200, 2400, 4800, "7200"])
def test_every_storage_capacity_that_exists_is_taken(adopted: Definition, value: Any) -> None:
    checked = check(adopted, given={"lustreStorageCapacity": value})
    assert checked["problems"] == []
    assert checked["parameters"]["lustreStorageCapacity"] == int(value)


@pytest.mark.parametrize(("key", "value"), MISTAKES, ids=[f"{key}={value}"[:60] for key, value in MISTAKES])
def test_a_run_refuses_what_the_deployment_refuses_in_the_same_words(adopted: Definition, key: str, value: Any) -> None:
    (problem,) = check(adopted, given={key: value})["problems"]
    with pytest.raises(SettingsError) as refused:
        read_settings({key: value})
    (line,) = refused.value.problems
    assert problem.startswith(f"{key}: ")
    if key != "jobDefinitionVcpus":  # a run's limit is the environment's
        assert problem == line


@pytest.mark.parametrize("key", sorted(DEFAULTS))
@pytest.mark.parametrize("value", [None, [], {}, [1], {"a": 1}], ids=["null", "[]", "{}", "[1]", "map"])
def test_null_lists_and_maps_are_refused_unless_the_parameter_is_one(adopted: Definition, key: str, value: Any) -> None:
    refused = [("jobDefinitionUlimits", [1]), ("jobDefinitionSecrets", {"a": 1}), ("inputPrefixes", [1])]
    if type(value) is type(DEFAULTS[key]) and (key, value) not in refused:
        assert check(adopted, given={key: value}) == {"parameters": DEFAULTS | {key: value}, "problems": []}
        return
    problems = check(adopted, given={key: value})["problems"]
    assert [problem.startswith(f"{key}: ") for problem in problems] == [True], problems


def test_an_unknown_key_is_named_together_with_the_known_ones(adopted: Definition) -> None:
    (problem,) = check(adopted, given={"jobDefinitionVcpu": 4})["problems"]
    assert problem.startswith("jobDefinitionVcpu: 4 is not a run-time parameter")
    assert all(key in problem for key in DEFAULTS)
    assert problem.endswith("; of an input: reclaim, session, wait)")


def test_a_session_that_is_given_as_text_is_shown_as_text(adopted: Definition) -> None:
    (problem,) = check(adopted, given={"session": "{}"})["problems"]
    assert problem.startswith('session: "{}" is not {"idleMinutes": a whole number')


def test_an_unknown_key_in_the_secret_is_refused_too(adopted: Definition) -> None:
    (problem,) = check(adopted, secret=DEFAULTS | {"envName": "X"})["problems"]
    assert problem.startswith("envName: X is not a run-time parameter")
    assert "session" not in problem, "a key of an input alone"


def test_several_mistakes_are_told_together(adopted: Definition) -> None:
    given = {"jobDefinitionVcpus": 0, "autoExport": "maybe", "colour": "red"}
    problems = check(adopted, given=given)["problems"]
    assert sorted(problem.split(":")[0] for problem in problems) == ["autoExport", "colour", "jobDefinitionVcpus"]


@pytest.mark.parametrize("given", ["text", 5, [1], True])
def test_an_input_that_is_no_object_is_refused(adopted: Definition, given: Any) -> None:
    (problem,) = check(adopted, given=given)["problems"]
    assert problem.startswith("input: ")


@pytest.mark.parametrize("secret", ["text", 5, [1], [], [{}]])
def test_a_secret_that_is_no_object_is_refused(adopted: Definition, secret: Any) -> None:
    (problem,) = check(adopted, secret=secret)["problems"]
    assert problem.endswith(": the secret is not a JSON object")
    assert problem.startswith("arn:aws:secretsmanager:")


def test_a_secret_that_is_no_json_is_refused_at_once_rather_than_read_again_and_again(run: Definition) -> None:
    """Step Functions guide, errors: in a retrier States.TaskFailed stands for a failed evaluation as well."""
    state = run.states["GetParameters"]
    (retrier,) = [each for each in state["Retry"] if "States.QueryEvaluationError" in each["ErrorEquals"]]
    assert retrier["MaxAttempts"] == 0
    assert state["Retry"].index(retrier) < len(state["Retry"]) - 1
    catcher = state["Catch"][0]
    assert catcher["ErrorEquals"] == ["States.QueryEvaluationError"]
    failure = catcher["Assign"]["failure"]
    assert failure["Error"] == "InvalidParameter"
    assert failure["Cause"].endswith(": the secret is not a JSON object")


# What the parameters that can contradict each other are drawn from, with values that are wrong by themselves.
DRAWN: dict[str, list[Any]] = {
    "lustreDeploymentType": ["SCRATCH_2", "PERSISTENT_1", "PERSISTENT_2", "SCRATCH_1"],
    "lustrePerUnitStorageThroughput": [0, 50, "100", 125, 200, 250, 500, "1000", 40],
    "lustreFileSystemTypeVersion": ["2.12", "2.15", 2.15, "2.10"],
    "lustreStorageCapacity": [1200, 2400, 4800, 9600, "12000", 45_600, 48_000, 50_400, 384_000, 386_400, 3600],
    "lustreMetadataIops": [0, 0, 0, 1500, 3000, 6000, "12000", 24_000, 36_000, 180_000, 192_000, 2000],
    "lambdaPeriodSeconds": [60, 120, "420", 600, 3600, 90],
    "jobDefinitionAttemptSeconds": [0, 60, "3600", 7_776_000, 7_776_001, 59],
    "lambdaTimeDiffMinutes": [5, 14, 15, "20", 120, 1440, 2],
}


def test_the_deployment_and_a_run_refuse_the_same_combinations_in_the_same_words(adopted: Definition) -> None:
    draw, taken, blamed = random.Random(0), 0, set()
    for _ in range(200):
        given = {key: draw.choice(values) for key, values in DRAWN.items() if draw.random() < 0.7}
        refused = refused_by_the_deployment(given)
        checked = check(adopted, given=given)
        assert sorted(checked["problems"]) == sorted(refused), given
        blamed |= {problem.partition(":")[0] for problem in refused}
        if not refused:
            image = {"jobDefinitionContainerImage": "image:latest"}
            assert checked["parameters"] == read_settings(given).run_time_values() | image
            taken += 1
    assert taken > 5
    assert blamed == set(DRAWN)


INSTANCES = ["c7i.24xlarge", "r7i.8xlarge", "g6.xlarge"]


@pytest.fixture(scope="module")
def on_named_types() -> Definition:
    return definition_of(
        record_stack({"computeEnvironmentInstanceTypes": json.dumps(INSTANCES), "jobDefinitionVcpus": "8"})
    )


@pytest.mark.parametrize(
    ("vcpus", "memory_mib"),
    [
        (8, 30_000),
        (32, 255_488),
        (32, 255_489),
        (96, 191_608),
        (96, "191609"),
        (97, 4),
        (192, 500),
        (4, 262_144),
        (0, 4),
    ],
)
def test_a_job_that_fits_none_of_the_named_types_is_refused_by_the_run_in_the_words_of_the_deployment(
    on_named_types: Definition, vcpus: int, memory_mib: Any
) -> None:
    job = {"jobDefinitionVcpus": vcpus, "jobDefinitionMemory": memory_mib}
    problems = check(on_named_types, given=job)["problems"]
    assert problems == [
        line.replace("from 1 to 100000", "from 1 to 256 (computeEnvironmentMaxvCpus)")
        for line in refused_by_the_deployment({"computeEnvironmentInstanceTypes": INSTANCES, **job})
    ]
    assert bool(problems) == (memory_mib in (255_489, "191609", 262_144) or vcpus in (97, 192, 0))


def test_a_job_that_no_family_of_the_default_bundle_takes_is_refused_by_the_run_in_the_same_words() -> None:
    on_optimal = definition_of(record_stack({"computeEnvironmentMaxvCpus": "512"}))
    job = {"jobDefinitionVcpus": 256, "jobDefinitionMemory": 30_000}
    (problem,) = check(on_optimal, given=job)["problems"]
    assert [problem] == refused_by_the_deployment({"computeEnvironmentMaxvCpus": 512, **job})
    assert problem.startswith("jobDefinitionVcpus: 256 with jobDefinitionMemory 30000 (MiB) fits none of")
    assert check(on_optimal, given=job | {"jobDefinitionVcpus": 192})["problems"] == []


def test_a_job_larger_than_the_environment_is_not_refused_twice(on_named_types: Definition) -> None:
    (problem,) = check(on_named_types, given={"jobDefinitionVcpus": 300})["problems"]
    assert problem == "jobDefinitionVcpus: 300 is not a whole number from 1 to 256 (computeEnvironmentMaxvCpus)"


BELOW_A_PREFIX = {"bucketName": "results", "bucketPrefix": "team's/größe", "inputBuckets": ["genomes", "public.data"]}


@pytest.fixture(scope="module")
def below_a_prefix() -> Definition:
    return definition_of(
        record_stack(
            {key: value if isinstance(value, str) else json.dumps(value) for key, value in BELOW_A_PREFIX.items()}
        )
    )


@pytest.mark.parametrize(
    ("prefix", "linked"),
    [
        ("", "s3://results/team's/größe/"),
        ("today", "s3://results/team's/größe/today/"),
        ("dt=2026-01-31/it's $1/", "s3://results/team's/größe/dt=2026-01-31/it's $1/"),
        (2026, "s3://results/team's/größe/2026/"),
    ],
)
def test_a_run_links_what_it_writes_to_its_own_prefix_below_that_of_the_stack(
    below_a_prefix: Definition, prefix: Any, linked: str
) -> None:
    assert links(below_a_prefix, keyPrefix=prefix) == [("/scratch/", linked)]


def links(definition: Definition, **given: Any) -> list[tuple[str, str]]:
    """What a run with these parameters links, in order."""
    variables = read(definition, given=given)
    assert variables["problems"] == []
    return [(link["path"], link["repository"]) for link in variables["links"]]


def test_an_input_is_linked_below_input_by_its_own_text(below_a_prefix: Definition) -> None:
    given = ["reference", 2026, "it's $1/größe/", "s3://genomes/hg38/", "s3://public.data"]
    assert links(below_a_prefix, inputPrefixes=json.dumps(given)) == [
        ("/scratch/", "s3://results/team's/größe/"),
        ("/input/reference/", "s3://results/reference/"),
        ("/input/2026/", "s3://results/2026/"),
        ("/input/it's $1/größe/", "s3://results/it's $1/größe/"),
        ("/input/genomes/hg38/", "s3://genomes/hg38/"),
        ("/input/public.data/", "s3://public.data/"),
    ]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            {"inputPrefixes": ["team's/größe/old"]},
            "team's/größe/old overlaps the results, which are linked to team's/größe/",
        ),
        (
            {"inputPrefixes": ["a", "team's"]},
            "team's overlaps the results, which are linked to team's/größe/ (bucketPr",
        ),
        ({"inputPrefixes": ["team's/größe/old"], "keyPrefix": "new"}, ""),
        ({"inputPrefixes": ["team's/größe/new2"], "keyPrefix": "new"}, ""),
        ({"inputPrefixes": ["team's/größe"], "keyPrefix": "new"}, "which are linked to team's/größe/new/"),
        ({"inputPrefixes": ["s3://results/x"]}, "s3://results/x is in none of the buckets"),
        (
            {"inputPrefixes": ["s3://genomes", "s3://nobodys/a/"]},
            "s3://nobodys/a/ is in none of the buckets that may be",
        ),
        ({"inputPrefixes": ["a/b/", "c", "a"]}, "inputPrefixes: a overlaps a/b/; no two links of a file system may"),
        ({"inputPrefixes": ["a", "a"]}, "inputPrefixes: a overlaps a; no two"),
        ({"inputPrefixes": ["a/b", "a/bc", "ab"]}, ""),
        ({"inputPrefixes": ["s3://genomes/a", "s3://genomes/b", "genomes/c"]}, ""),
        ({"inputPrefixes": ["s3://genomes/a", "genomes/a/b/"]}, "genomes/a/b/ overlaps s3://genomes/a; no two"),
        ({"inputPrefixes": ["s3://genomes/", "genomes"]}, "genomes overlaps s3://genomes/; no two"),
        ({"inputPrefixes": list("abcdefg")}, ""),
        ({"inputPrefixes": [*"abcdef", "a/"]}, "a/ overlaps a; no two"),
        ({"inputPrefixes": ["/a"], "keyPrefix": "x" * 500}, "bytes with bucketPrefix are more than the 512"),
        ({"inputPrefixes": ["team's"], "keyPrefix": "//"}, "// is not empty, or a key prefix"),
    ],
)
def test_links_that_do_not_go_together_are_refused_by_both_in_the_same_words(
    below_a_prefix: Definition, given: dict[str, Any], words: str
) -> None:
    problems = check(below_a_prefix, given=given)["problems"]
    assert problems == refused_by_the_deployment(BELOW_A_PREFIX | given)
    assert words in "; ".join(problems)
    assert bool(words) == bool(problems)


def test_inputs_of_the_bucket_need_results_that_are_moved_aside(adopted: Definition) -> None:
    problems = check(adopted, given={"inputPrefixes": ["reference/"]})["problems"]
    assert problems == refused_by_the_deployment({"inputPrefixes": ["reference/"]})
    assert problems == [
        "inputPrefixes: reference/ overlaps the results, which are linked to the whole bucket (bucketPrefix, "
        "keyPrefix); no two links of a file system may"
    ]
    assert check(adopted, given={"inputPrefixes": ["reference/"], "keyPrefix": "results"})["problems"] == []


def test_the_same_links_in_deployment_secret_and_input_are_the_same_call(below_a_prefix: Definition) -> None:
    given = {"keyPrefix": "today", "inputPrefixes": ["reference/", "s3://genomes/hg38"]}
    stack = BELOW_A_PREFIX | given | {"jobDefinitionContainerImage": "image:latest"}
    deployed = definition_of(
        record_stack({key: value if isinstance(value, str) else json.dumps(value) for key, value in stack.items()})
    )
    (first, *others) = [
        read(definition, secret, chosen)["links"]
        for definition, secret, chosen in (
            (deployed, {}, {}),
            (below_a_prefix, DEFAULTS | given, {}),
            (below_a_prefix, DEFAULTS | {"inputPrefixes": '["a"]'}, given),
            (below_a_prefix, {}, {key: json.dumps(value).strip('"') for key, value in given.items()}),
        )
    ]
    assert len(first) == 3
    assert all(other == first for other in others)


@pytest.mark.parametrize("prefix", ["x" * 497, "x" * 498, "x" * 497 + "/", "é" * 249, "日" * 170, "日" * 171, "//"])
def test_a_prefix_that_leaves_no_room_for_names_below_the_stacks_is_refused_by_both_in_the_same_words(
    below_a_prefix: Definition, prefix: str
) -> None:
    refused = refused_by_the_deployment({"bucketPrefix": "team's/größe", "keyPrefix": prefix})
    assert check(below_a_prefix, given={"keyPrefix": prefix})["problems"] == refused
    assert len(refused) == (0 if prefix.removesuffix("/") == "x" * 497 else 1)


def refused_by_the_deployment(given: dict[str, Any]) -> list[str]:
    try:
        read_settings(given)
    except SettingsError as refused:
        return refused.problems
    return []


@pytest.mark.parametrize("given", [{}, {"jobDefinitionVcpus": 8}])
def test_the_key_by_which_a_workflow_links_itself_is_taken_and_ignored(
    adopted: Definition, given: dict[str, Any]
) -> None:
    """Step Functions guide, starting executions from a task: the child's input names its parent."""
    linked = check(adopted, given=given | {"AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID": RUN})
    assert linked == check(adopted, given=given)
    assert linked["problems"] == []


def test_the_event_of_another_state_machine_is_refused_as_an_input(adopted: Definition) -> None:
    event = {"source": "aws.states", "detail-type": "Step Functions Execution Status Change", "detail": {"a": 1}}
    assert choose(adopted, "Route", {"input": event, "context": {"Execution": {"Id": RUN}}})[0] == "NameTag"
    problems = check(adopted, given=event)["problems"]
    assert [problem.split(":")[0] for problem in problems] == ["source", "detail-type", "detail"]


@pytest.mark.parametrize("given", ["text", "", 5, 0, [1], [], [{}], True, False, None, 1.5])
def test_whatever_json_is_the_input_it_leads_to_the_parameters_check(adopted: Definition, given: Any) -> None:
    states = {"input": given, "context": {"Execution": {"Id": RUN, "Input": given}}}
    assert choose(adopted, "Route", states)[0] == "NameTag"
    target, assigned = choose(adopted, "AreTheyObjects", states, stored=DEFAULTS)
    assert target == "Summarise"
    assert assigned["failure"] == {
        "Error": "InvalidParameter",
        "Cause": f"input: {given if isinstance(given, str) else json.dumps(given, separators=(',', ':'))} "
        "is not a JSON object",
    }


# ---------------------------------------------------------------------- lists and maps
TAKEN: list[tuple[str, Any, Any]] = [
    ("jobDefinitionCommand", ["sh", "-c", "echo 'größe' \"$A\" \\ \n /"], None),
    ("jobDefinitionCommand", ["sleep", 60], ["sleep", "60"]),
    ("jobDefinitionCommand", [""], None),
    ("jobDefinitionCommand", ["Ref::x", "[", "{", ",", '"'], None),
    ("jobDefinitionEnvironment", {"STEPS": 1000, "_a.b-c": "", "LANG": "日本 😀", "AWS_REGION": "x"}, None),
    ("jobDefinitionEnvironment", {"N": -5}, None),
    ("jobDefinitionUlimits", [{"name": "memlock", "softLimit": -1, "hardLimit": -1}], None),
    (
        "jobDefinitionUlimits",
        [{"name": "nofile", "softLimit": 1, "hardLimit": 2}, {"name": "core", "softLimit": 0, "hardLimit": 0}],
        None,
    ),
    ("jobDefinitionTags", {"Cost Center": 1234, "team": ""}, None),
    ("jobDefinitionSecrets", {"TOKEN": f"{SECRET}:a.b:AWSCURRENT:", "_x": SECRET, "Y": PARAMETER}, None),
]


@pytest.mark.parametrize(("key", "value", "read"), TAKEN)
@pytest.mark.parametrize("form", ["itself", "text", "indented", "escaped"])
def test_a_list_or_map_may_be_its_json_text_in_the_secret_and_in_the_input(
    adopted: Definition, key: str, value: Any, read: Any, form: str
) -> None:
    forms = {
        "itself": value,
        "text": json.dumps(value, ensure_ascii=False, separators=(",", ":")),
        "indented": json.dumps(value, indent=2, ensure_ascii=False),
        "escaped": f" {json.dumps(value)}\n",
    }
    given = {key: forms[form]}
    assert check(adopted, given=given) == check(adopted, secret=DEFAULTS | given)
    assert check(adopted, given=given) == {"parameters": DEFAULTS | {key: value}, "problems": []}
    assert read_settings(given).run_time_values()[key] == (read or texts(value))


def texts(value: Any) -> Any:
    return {name: str(text) for name, text in value.items()} if isinstance(value, dict) else value


def test_the_same_job_in_deployment_secret_and_input_is_the_same_call(adopted: Definition) -> None:
    job = {
        "jobDefinitionCommand": ["sh", "-c", "echo 'it''s' \"${A}\" {%x%}", 60],
        "jobDefinitionEnvironment": {"A": "größe", "B": 5},
        "jobDefinitionSecrets": {"TOKEN": f"{SECRET}:key::", "PASSWORD": PARAMETER},
        "jobDefinitionAttemptSeconds": 3600,
        "jobDefinitionSharedMemoryMib": 512,
        "jobDefinitionUlimits": [{"name": "nofile", "softLimit": 1024, "hardLimit": 2048}],
        "jobDefinitionUser": "1000:100",
        "jobDefinitionTags": {"team": "b", "cost": 12},
    }
    image = {"jobDefinitionContainerImage": "image:latest"}
    configured = {key: value if isinstance(value, str) else json.dumps(value) for key, value in job.items()}
    deployed = definition_of(record_stack(configured | image))
    (call, *others) = [
        evaluate(
            deployed.states["RegisterJobDefinition"]["Arguments"],
            parameters=seen["checked"],
            links=seen["links"],
            tags={"Team": "a"},
        )
        for seen in (
            read(deployed, secret={}),
            read(deployed, secret=read_settings(job).run_time_values() | image),
            read(adopted, secret=DEFAULTS | configured),
            read(adopted, given=job),
            read(adopted, given=configured),
        )
    ]
    assert call["ContainerProperties"]["Command"] == ["sh", "-c", "echo 'it''s' \"${A}\" {%x%}", "60"]
    assert call["ContainerProperties"]["Environment"][0] == {"Name": "A", "Value": "größe"}
    assert call["ContainerProperties"]["Secrets"][0] == {"Name": "TOKEN", "ValueFrom": f"{SECRET}:key::"}
    assert ":role/autoexport-job-execution-" in call["ContainerProperties"]["ExecutionRoleArn"]
    assert all(other == call for other in others)


NO_JSON = [
    "", " ", "a", "[", "]", '["]', '["a",]', "[,]", '["a" "b"]', "['a']", '["a"', '"a"', "[a]", "[01]", "[1 2]", "[+1]",
    '["\\x"]', '["\\u12"]', '["a\nb"]', "{", "{}}", '{"a"}', '{"a":}', '{"a":"b",}', "{1:2}", '{"a":"b" "c":"d"}', "5",
    "[nul]", "[truefalse]", "\u0001", "[\u0001]", "{\u0001:\u0002}", "[\u0003]", "\ufeff[]", "[]\u00a0", "[]\v", "[1.]",
    "[tr ue]", "[- 1]", "null", '{"a":"b"}{}', "[][]",
]  # fmt: skip


@pytest.mark.parametrize("key", ["jobDefinitionCommand", "jobDefinitionEnvironment"])
@pytest.mark.parametrize("text", NO_JSON)
def test_text_that_is_no_json_is_refused_by_a_run_rather_than_read(adopted: Definition, key: str, text: str) -> None:
    (problem,), (line,) = check(adopted, given={key: text})["problems"], refused_by_the_deployment({key: text})
    assert problem.partition(" is not ")[2] == line.partition(" is not ")[2]
    assert problem == line or not text.isprintable()


def test_random_text_is_either_read_or_refused_and_never_ends_a_run_with_an_error(adopted: Definition) -> None:
    draw = random.Random(0)
    for _ in range(25):
        text = "".join(draw.choices('[]{}",:\\u00e9ab 1-.e\ntrue', k=draw.randrange(2, 8)))
        for key in ("jobDefinitionCommand", "jobDefinitionEnvironment"):
            assert check(adopted, given={key: text})["problems"] == refused_by_the_deployment({key: text}), text


@pytest.mark.parametrize(
    "large",
    [
        {"jobDefinitionCommand": ["x" * 22_000, "é" * 100]},
        {"jobDefinitionEnvironment": {f"N{number}": "v" for number in range(800)}},
        {"jobDefinitionCommand": ["日" * 2000], "jobDefinitionEnvironment": {"A": "b" * 12_000}},
    ],
)
def test_what_no_job_definition_could_hold_is_refused_by_both_in_the_same_words(
    adopted: Definition, large: dict[str, Any]
) -> None:
    """Batch guide, service quotas: 24 KiB."""
    (problem,) = check(adopted, given=large)["problems"]
    assert [problem] == refused_by_the_deployment(large)
    assert "bytes as JSON are more than the" in problem
    assert problem.startswith("jobDefinitionCommand, jobDefinitionEnvironment")


def test_what_a_job_definition_just_holds_is_taken(adopted: Definition) -> None:
    whole = {"jobDefinitionCommand": ["x" * (24 * 1024 - 2048 - 2 * len(lists_and_maps()) - 4)]}
    assert check(adopted, given=whole)["problems"] == refused_by_the_deployment(whole) == []
    more = {"jobDefinitionCommand": [whole["jobDefinitionCommand"][0] + "x"]}
    assert check(adopted, given=more)["problems"] == refused_by_the_deployment(more) != []


def test_a_mistake_in_a_list_is_not_also_blamed_for_the_size_of_all(adopted: Definition) -> None:
    (problem,) = check(adopted, given={"jobDefinitionCommand": ["x" * 30_000, None]})["problems"]
    assert problem.startswith('jobDefinitionCommand: ["xxx')
    assert len(problem) < 400


@pytest.mark.parametrize(
    ("secrets", "problem"),
    [
        ({"A": SECRET, "B": f"{SECRET}:key::", "C": PARAMETER}, None),
        ({"A": SECRET.replace("token", "tokens"), "B": SECRET}, {"A": SECRET.replace("token", "tokens")}),
        ({"A": f"{PARAMETER}2"}, {"A": f"{PARAMETER}2"}),
        ({"A": f"{SECRET[:-1]}g"}, {"A": f"{SECRET[:-1]}g"}),
    ],
)
def test_a_run_may_give_its_job_only_secrets_that_the_stack_names(
    adopted: Definition, secrets: dict[str, str], problem: dict[str, str] | None
) -> None:
    found = check(adopted, given={"jobDefinitionSecrets": secrets})["problems"]
    values = {**DEFAULTS, "jobTimeoutMinutes": 60, "jobRoleArns": [], "jobSecretArns": [SECRET, PARAMETER]}
    assert found == [line for _, line in contradictions(values | {"jobDefinitionSecrets": secrets})]
    said = json.dumps(problem, separators=(",", ":"))
    allowed = json.dumps([SECRET, PARAMETER], separators=(",", ":"))
    words = f"jobDefinitionSecrets: {said} is not of secrets that a run may read (jobSecretArns {allowed})"
    assert found == ([words] if problem else [])


def test_the_secrets_of_the_deployments_own_value_may_be_read_under_other_names_as_well() -> None:
    own = definition_of(record_stack({"jobDefinitionSecrets": json.dumps({"TOKEN": f"{SECRET}:key::"})}))
    assert check(own, given={"jobDefinitionSecrets": {"OTHER": f"{SECRET}:other::"}})["problems"] == []
    assert len(check(own, given={"jobDefinitionSecrets": {"OTHER": PARAMETER}})["problems"]) == 1


def test_a_secret_has_no_name_of_another_variable(adopted: Definition) -> None:
    given = {"jobDefinitionSecrets": {"TOKEN": SECRET}, "jobDefinitionEnvironment": {"TOKEN": "x"}}
    assert check(adopted, given=given)["problems"] == refused_by_the_deployment(given)
    assert "is not apart from the other variables" in refused_by_the_deployment(given)[0]


ROLES = ["arn:aws:iam::123456789012:role/one", "arn:aws:iam::123456789012:role/path/two"]


@pytest.fixture(scope="module")
def with_roles() -> Definition:
    stack = {"jobRoleArns": json.dumps(ROLES), "computeEnvironmentInstanceTypes": '["g5.xlarge", "c7i.24xlarge"]'}
    return definition_of(record_stack(stack | {"jobTimeoutMinutes": "60"}))


@pytest.mark.parametrize(
    "given",
    [
        {"jobRoleArn": ROLES[1]},
        {"jobRoleArn": ROLES[0] + "x"},
        {"jobDefinitionAttemptSeconds": 3600},
        {"jobDefinitionAttemptSeconds": 3601},
        {"jobDefinitionGpus": 1, "jobDefinitionVcpus": 4, "jobDefinitionMemory": 2000},
        {"jobDefinitionGpus": "2", "jobDefinitionVcpus": 4, "jobDefinitionMemory": 2000},
        {"jobDefinitionGpus": 1},
    ],
)
def test_a_run_is_held_to_what_the_stack_allows_in_the_words_of_the_deployment(
    with_roles: Definition, given: dict[str, Any]
) -> None:
    stack = {"jobRoleArns": ROLES, "computeEnvironmentInstanceTypes": ["g5.xlarge", "c7i.24xlarge"]}
    refused = refused_by_the_deployment({**stack, "jobTimeoutMinutes": 60, **given})
    assert check(with_roles, given=given)["problems"] == refused
    assert bool(refused) == (given not in ({"jobRoleArn": ROLES[1]}, {"jobDefinitionAttemptSeconds": 3600})) - (
        given.get("jobDefinitionGpus") == 1 and "jobDefinitionVcpus" in given
    )
