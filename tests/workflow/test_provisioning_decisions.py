"""What the run concludes while the file system, its link and the compute environment are made."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.graph.recording import record_stack
from tests.workflow.answers import LIFECYCLES
from tests.workflow.conftest import Definition, definition_of
from tests.workflow.evaluation import FAILURE, FILE_SYSTEM, NOW, RUN, choose, evaluate


@pytest.fixture(scope="module")
def always_on() -> Definition:
    """The run of a stack that keeps instances."""
    settings = {"computeEnvironmentMinvCpus": "4", "computeEnvironmentDesiredvCpus": "4"}
    return definition_of(record_stack(settings), "run")


def error(assigned: dict[str, Any]) -> Any:
    return assigned.get("failure", {}).get("Error")


@pytest.mark.parametrize("status", LIFECYCLES)
@pytest.mark.parametrize("association", [[], ["dra-1"], ["dra-1", "dra-2"]])
@pytest.mark.parametrize("names", [("dns", "mount"), ("", "mount"), ("dns", "")])
@pytest.mark.parametrize("late", [True, False])
def test_a_file_system_is_linked_once_it_is_available_and_has_its_names(
    run: Definition, status: str, association: list[str], names: tuple[str, str], late: bool
) -> None:
    given: dict[str, Any] = {"fileSystemId": FILE_SYSTEM, "fileSystemStatus": status, "fileSystemReason": "why"}
    given |= {"dnsName": names[0], "mountName": names[1], "associationIds": association}
    target, assigned = choose(run, "IsFileSystemAvailable", **given, since=0 if late else NOW)
    wanted: tuple[str, str | None]
    if status == "AVAILABLE" and "" in names:
        wanted = ("CleanUp", "FileSystemFailed")
    elif status == "AVAILABLE":
        wanted = ("DescribeAssociation" if association else "CreateAssociation", None)
    elif status != "CREATING":
        wanted = ("CleanUp", "FileSystemFailed")
    else:
        wanted = ("CleanUp", "FileSystemTimedOut") if late else ("WaitForLustreCreation", None)
    assert (target, error(assigned)) == wanted


@pytest.mark.parametrize("status", LIFECYCLES)
@pytest.mark.parametrize("template", ["", "lt-1"])
@pytest.mark.parametrize("late", [True, False])
@pytest.mark.parametrize("left", [0, 1])
def test_instances_are_prepared_or_looked_after_once_every_link_is_available(
    run: Definition, status: str, template: str, late: bool, left: int
) -> None:
    given: dict[str, Any] = {"associationId": "dra-1", "associationReason": "why", "launchTemplateId": template}
    given |= {"associationIds": ["dra-1", "dra-2"], "links": [{}] * (2 + left)}
    target, assigned = choose(
        run, "IsAssociationAvailable", **given, associationStatus=status, since=0 if late else NOW
    )
    wanted: tuple[str, str | None]
    if status == "AVAILABLE" and left:
        wanted = ("CreateAssociation", None)
    elif status == "AVAILABLE":
        wanted = ("DescribeComputeEnvironment" if template else "CreateLaunchTemplate", None)
    elif status != "CREATING":
        wanted = ("CleanUp", "AssociationFailed")
    else:
        wanted = ("CleanUp", "AssociationTimedOut") if late else ("WaitForLustreCreation", None)
    assert (target, error(assigned)) == wanted


@pytest.mark.parametrize("status", ["VALID", "INVALID", "UPDATING", "UNKNOWN", "DELETED"])
@pytest.mark.parametrize("template", ["lt-1", "lt-2", ""])
@pytest.mark.parametrize("late", [True, False])
def test_a_job_waits_until_the_environment_is_valid_with_the_runs_own_template(
    run: Definition, status: str, template: str, late: bool
) -> None:
    given = {"environmentStatus": status, "environmentReason": "why", "environmentTemplateId": template}
    target, assigned = choose(
        run, "IsComputeEnvironmentValid", **given, launchTemplateId="lt-1", since=0 if late else NOW
    )
    wanted: tuple[str, str | None]
    if (status, template) == ("VALID", "lt-1"):
        wanted = ("LetJobFinish", None)
    elif status == "INVALID":
        wanted = ("CleanUp", "ComputeEnvironmentInvalid")
    else:
        wanted = ("CleanUp", "ComputeEnvironmentTimedOut") if late else ("WaitForComputeEnvironment", None)
    assert (target, error(assigned)) == wanted


@pytest.mark.parametrize("template", ["", "lt-1"])
@pytest.mark.parametrize("names", [("dns", "mount"), ("", "mount"), ("dns", "")])
@pytest.mark.parametrize("minimum", [0, 4])
def test_instances_are_prepared_ahead_when_the_names_are_known_and_none_would_boot(
    run: Definition, always_on: Definition, template: str, names: tuple[str, str], minimum: int
) -> None:
    """With a minimum of vCPUs they would boot without a file system, and shut down in a loop."""
    definition = always_on if minimum else run
    given = {"launchTemplateId": template, "dnsName": names[0], "mountName": names[1]}
    assert choose(definition, "MayPrepareInstances", **given, isLinking=True)[0] == "CreateAssociation"
    target, _ = choose(definition, "MayPrepareInstances", **given, isLinking=False)
    ahead = not template and "" not in names and minimum == 0
    assert target == ("CreateLaunchTemplate" if ahead else "WaitForLustreCreation")


@pytest.mark.parametrize("status", ["CREATING", "AVAILABLE"])
@pytest.mark.parametrize("before", ["", "CREATING", "AVAILABLE"])
def test_a_link_that_is_refused_as_too_early_is_asked_for_again_later(
    run: Definition, status: str, before: str
) -> None:
    given = {"fileSystemStatus": status, "associationStatus": before, "associationError": FAILURE}
    early: tuple[str, dict[str, Any]] = ("MayPrepareInstances", {})
    assert choose(run, "WasAssociationTooEarly", **given) == (
        early if "CREATING" in (status, before) else ("CleanUp", {"failure": FAILURE})
    )
    (catcher,) = [each for each in run.states["CreateAssociation"]["Catch"] if "isLinking" in each["Assign"]]
    assert (catcher["Next"], catcher["Assign"]["isLinking"]) == ("WasAssociationTooEarly", False)


@pytest.mark.parametrize(("made", "wanted", "more"), [(0, 1, False), (0, 2, True), (1, 2, False), (6, 8, True)])
def test_links_are_asked_for_one_after_the_other(run: Definition, made: int, wanted: int, more: bool) -> None:
    ids = [f"dra-{number}" for number in range(made)]
    known: dict[str, Any] = {"associationIds": ids, "links": [{}] * wanted}
    answer = {"Association": {"AssociationId": "dra-x"}}
    assert evaluate(run.states["CreateAssociation"]["Assign"], {"result": answer}, **known) == {
        "associationIds": [*ids, "dra-x"],
        "associationId": "dra-x",
        "associationStatus": "CREATING",
        "isLinking": more,
    }


def test_only_parameters_without_a_problem_lead_on_to_the_quota(run: Definition) -> None:
    checked = {"jobDefinitionVcpus": 2}
    given = {"checked": checked, "isSession": False}
    assert choose(run, "AreParametersValid", problems=[], **given) == ("GetQuota", {"parameters": checked})
    target, assigned = choose(run, "AreParametersValid", problems=["a: 1 is not b", "c: 2 is not d"], **given)
    assert (target, error(assigned)) == ("Summarise", "InvalidParameter")
    assert assigned["failure"]["Cause"] == "a: 1 is not b; c: 2 is not d"


@pytest.mark.parametrize(
    ("types", "kind", "code"),
    [
        (["optimal"], "SPOT", "L-34B43A08"),
        (["m6i", "i4i"], "EC2", "L-1216C47A"),
        (["im4gn", "c7g"], "SPOT", "L-34B43A08"),
        (["m6i", "g5"], "SPOT", ""),
        (["hpc7a"], "EC2", ""),
    ],
)
def test_the_quota_is_asked_for_where_one_quota_covers_every_instance_type(
    types: list[str], kind: str, code: str
) -> None:
    config = {"computeEnvironmentInstanceTypes": json.dumps(types), "computeEnvironmentType": kind}
    definition = definition_of(record_stack(config))
    assert definition.states["GetQuota"]["Arguments"] == {"ServiceCode": "ec2", "QuotaCode": code}
    checked = {"jobDefinitionVcpus": 2}
    leads_to = choose(definition, "AreParametersValid", problems=[], checked=checked, isSession=False)
    assert leads_to == ("GetQuota" if code else "PrepareTicket", {"parameters": checked})


@pytest.mark.parametrize(
    ("quota", "enough"),
    [
        ({"Value": 5}, False),
        ({"Value": 0}, False),
        ({"Value": 31}, False),
        ({"Value": 32}, True),
        ({"Value": 640}, True),
        ({}, True),
        ({"Value": 0, "ErrorReason": {"ErrorCode": "DEPENDENCY_SERVICE_ERROR"}}, True),
    ],
)
def test_a_quota_below_the_jobs_vcpus_ends_the_run_and_one_that_is_not_known_does_not(
    run: Definition, quota: dict[str, Any], enough: bool
) -> None:
    parameters = {"jobDefinitionVcpus": 32}
    seen = evaluate(run.states["GetQuota"]["Assign"], {"result": {"Quota": quota}}, parameters=parameters)
    target, assigned = choose(run, "IsQuotaEnough", parameters=parameters, **seen)
    assert target == ("PrepareTicket" if enough else "Summarise")
    if not enough:
        assert assigned["failure"] == {
            "Error": "QuotaTooSmall",
            "Cause": "jobDefinitionVcpus: 32 exceeds the quota All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance "
            f"Requests (L-34B43A08), which is {quota['Value']} vCPUs in this account and region, so the job would "
            "never start: request an increase in Service Quotas, or ask for fewer vCPUs",
        }


def test_whatever_keeps_the_quota_from_being_read_the_run_goes_on(run: Definition) -> None:
    (catcher,) = run.states["GetQuota"]["Catch"]
    assert catcher == {"ErrorEquals": ["States.ALL"], "Next": "PrepareTicket"}


def test_what_each_call_answers_is_what_the_next_ones_are_given(run: Definition) -> None:
    answers: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
        "RegisterJobDefinition": ({"JobDefinitionArn": "arn:jd"}, {"jobDefinitionArn": "arn:jd"}),
        "CreateLaunchTemplate": ({"LaunchTemplate": {"LaunchTemplateId": "lt-1"}}, {"launchTemplateId": "lt-1"}),
        "Reclaim": ({"Output": {"pending": []}}, {"cleanedUp": {"pending": []}}),
        "WaitForCleanUp": ({"Output": {"pending": []}}, {"cleanedUp": {"pending": []}, "cleanUpError": ""}),
        "ListSubmittedJobs": ({"JobSummaryList": [{"JobId": "a"}, {"JobId": "b"}]}, {"jobIds": ["a", "b"]}),
    }
    for name, (answer, assigned) in answers.items():
        known = {"cleanUpStarts": 0, "jobs": []}
        assert evaluate(run.states[name]["Assign"], {"result": answer}, **known) == assigned, name
    submitted = evaluate(run.states["SubmitJob"]["Assign"], {"result": {"JobId": "a"}})
    assert (submitted["jobIds"], submitted["since"] > 10**12) == (["a"], True)


@pytest.mark.parametrize("names", [{"DnsName": "dns"}, {"DNSName": "dns"}, {}])
def test_the_names_of_a_file_system_are_read_as_soon_as_fsx_says_them(run: Definition, names: dict[str, str]) -> None:
    """SDK, CreateFileSystem: its example answers with both while the file system is CREATING."""
    file_system: dict[str, Any] = {"FileSystemId": FILE_SYSTEM, "Lifecycle": "AVAILABLE", **names}
    file_system |= {"LustreConfiguration": {"MountName": "mount"} if names else {}}
    for name, result in [
        ("CreateFileSystem", {"FileSystem": file_system}),
        ("DescribeFileSystem", {"FileSystems": [file_system]}),
    ]:
        read = evaluate(run.states[name]["Assign"], {"result": result})
        assert (read["dnsName"], read["mountName"]) == (("dns", "mount") if names else ("", "")), name
        assert read["fileSystemStatus"] == ("CREATING" if name == "CreateFileSystem" else "AVAILABLE")
        assert read["fileSystemReason"] == ("" if name == "CreateFileSystem" else "no reason given")
    created = evaluate(run.states["CreateFileSystem"]["Assign"], {"result": {"FileSystem": file_system}})
    blank = {"fileSystemId": FILE_SYSTEM, "associationId": "", "associationStatus": "", "launchTemplateId": ""}
    blank |= {"associationIds": []}  # type: ignore[dict-item]
    assert {key: created[key] for key in blank} == blank
    assert created["since"] > 10**12


@pytest.mark.parametrize("details", [{"Message": "overlaps"}, {}])
def test_the_state_of_the_link_is_read_with_its_reason(run: Definition, details: dict[str, str]) -> None:
    answer = {"Associations": [{"AssociationId": "dra-1", "Lifecycle": "MISCONFIGURED", "FailureDetails": details}]}
    read = evaluate(run.states["DescribeAssociation"]["Assign"], {"result": answer})
    reason = details.get("Message", "no reason given")
    wanted = {"associationId": "dra-1", "associationStatus": "MISCONFIGURED", "associationReason": reason}
    assert read == wanted
    for other in ("AVAILABLE", "CREATING"):
        second: Any = {"AssociationId": "dra-0", "Lifecycle": other}
        for both in ([second, *answer["Associations"]], [*answer["Associations"], second]):
            assert evaluate(run.states["DescribeAssociation"]["Assign"], {"result": {"Associations": both}}) == wanted


def test_the_links_are_available_when_all_are(run: Definition) -> None:
    def read(*statuses: str) -> tuple[str, str]:
        answer = [{"AssociationId": f"dra-{number}", "Lifecycle": status} for number, status in enumerate(statuses)]
        seen = evaluate(run.states["DescribeAssociation"]["Assign"], {"result": {"Associations": answer}})
        assert seen["associationReason"] == "no reason given"
        return seen["associationId"], seen["associationStatus"]

    assert read("AVAILABLE", "AVAILABLE", "AVAILABLE")[1] == "AVAILABLE"
    assert read("AVAILABLE", "CREATING", "CREATING") == ("dra-1", "CREATING")
    assert read("CREATING", "AVAILABLE") == ("dra-0", "CREATING")
    assert read("CREATING", "AVAILABLE", "FAILED") == ("dra-2", "FAILED")


def test_a_poll_that_fails_saw_nothing(run: Definition, clean_up: Definition) -> None:
    """What is assigned then is no answer: it never counts as one, and never as what was seen before."""
    failed = {"errorOutput": {"Error": "Fsx.InternalServerErrorException", "Cause": "x"}}
    wanted: dict[str, dict[str, Any]] = {
        "DescribeFileSystem": {"fileSystemReason": "Fsx.InternalServerErrorException"},
        "DescribeAssociation": {"associationReason": "Fsx.InternalServerErrorException"},
        "DescribeComputeEnvironment": {
            "environmentStatus": "UNKNOWN",
            "environmentReason": "Fsx.InternalServerErrorException",
            "environmentTemplateId": "",
            "environmentMaxvCpus": 0,
        },
        "FindImportTask": {"imports": [], "incomplete": []},
        "DescribeJob": {"jobs": []},
        "DescribeJobs": {"jobs": []},
        "DescribeMendedAssociation": {"associationStatus": "UNKNOWN"},
        "DescribeAutoExport": {
            "associationStatus": "UNKNOWN",
            "associationReason": "Fsx.InternalServerErrorException",
        },
        "DescribeExportingAssociation": {"associationStatus": "not known (Fsx.InternalServerErrorException)"},
        "DescribeReleasedEnvironment": {
            "environmentStatus": "UNKNOWN",
            "environmentReason": "Fsx.InternalServerErrorException",
        },
        "DescribeDeletedFileSystem": {"fileSystemStatus": "UNKNOWN"},
        "FindExportLog": {"logExists": False},
        "FindExportTasks": {
            "tasks": [],
            "nextToken": "",
            "seen": False,
            "taskError": "Fsx.InternalServerErrorException",
        },
        "FindRunningCleanUps": {"running": []},
        "CheckMetrics": {"queueIsEmpty": False, "queueReason": "Fsx.InternalServerErrorException: x"},
        "CreateExportTask": {"taskError": "Fsx.InternalServerErrorException: x"},
    }
    for name, assigned in wanted.items():
        state = run.states.get(name) or clean_up.states[name]
        assert evaluate(state["Catch"][-1]["Assign"], failed, target=RUN) == assigned, name
