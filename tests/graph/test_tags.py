"""Tags: the user's, the provider's own and the component's, on resources and on what a run creates, without a clash."""

from __future__ import annotations

import json
from typing import Any

import pulumi
import pytest
from lustre_batch import LustreBatchAutoExport, LustreBatchAutoExportArgs
from lustre_batch.rules import TAG_OF_STACK

from rehearsal.aws.account import Account
from rehearsal.provider import mocks
from tests.graph.recording import Graph, Mocks, record
from tests.graph.standalone import ENVIRONMENT, component, states

# What a company gives the provider: keys that the component has, too, but in other cases.
COMPANY = {"environment": "prod", "name": "shared", "CostCenter": "42"}


def with_default_tags(default_tags: dict[str, str], **args: Any) -> Graph:
    mocks = Mocks(default_tags=tuple(default_tags.items()))
    return record(lambda: LustreBatchAutoExport("lustre", LustreBatchAutoExportArgs(**args)), mocks=mocks)


def tagged(graph: Graph) -> list[dict[str, str]]:
    """All but the tag by which the roles know the stack's lanes."""
    every = [child.inputs["tags"] for child in graph.children if "tags" in child.inputs]
    return [{key: value for key, value in tags.items() if key != TAG_OF_STACK} for tags in every]


def stack_of(graph: Graph) -> str:
    return str(graph.one("aws:sns/topic:Topic").outputs["name"])


def test_the_lanes_and_nothing_else_have_the_tag_by_which_the_roles_know_them() -> None:
    graph = component(max_concurrent_runs=3)
    found = {child.name: child.inputs.get("tags", {}).get(TAG_OF_STACK) for child in graph.children}
    lanes = [f"lustre-{part}{number}" for part in ("environment", "queue") for number in ("", "-2", "-3")]
    assert {name: stack for name, stack in found.items() if stack} == dict.fromkeys(lanes, stack_of(graph))


def lower(keys: Any) -> list[str]:
    return sorted(key.lower() for key in keys)


@pytest.mark.parametrize("key", ["Environment", "environment", "ENVIRONMENT"])
def test_a_key_of_the_users_replaces_that_of_the_component_in_whatever_case(key: str) -> None:
    for tags in tagged(component(tags={key: "prod"})):
        assert {name: value for name, value in tags.items() if name.lower() == "environment"} == {key: "prod"}


def test_a_name_of_the_users_replaces_those_of_the_component() -> None:
    graph = component(tags={"name": "scratch"})
    assert {tags["name"] for tags in tagged(graph)} == {"scratch"}
    assert [tags for tags in tagged(graph) if "Name" in tags] == []


def test_no_tag_differs_from_one_that_the_provider_adds_by_case_only() -> None:
    graph = with_default_tags(COMPANY, tags={"costcenter": "7", "Team": "imaging"})
    assert len(tagged(graph)) > 25
    for tags in tagged(graph):
        added = {**COMPANY, **tags}
        assert len(set(lower(added))) == len(added), tags
        # The user's value, under the provider's spelling, which it replaces.
        assert added["CostCenter"] == "7"
        assert tags == {"CostCenter": "7", "Team": "imaging"}


def test_the_provider_adds_its_tags_to_resources_and_the_component_those_to_what_a_run_creates() -> None:
    graph = with_default_tags(COMPANY, tags={"Team": "imaging"})
    wanted = COMPANY | {"Team": "imaging"}
    assert graph.all(ENVIRONMENT)[0].inputs["computeResources"]["tags"] == wanted
    assert graph.all(ENVIRONMENT)[0].inputs["tags"] == {"Team": "imaging", TAG_OF_STACK: stack_of(graph)}
    written = json.dumps(dict(sorted(wanted.items())))
    assert json.dumps(written)[1:-1] in states(graph)["PrepareTicket"]["Assign"]["tags"]


@pytest.mark.parametrize(
    ("default_tags", "tags", "name"),
    [({}, {}, {"Name": "AutoExport"}), ({}, {"name": "x"}, {}), ({"NAME": "x"}, {}, {}), ({}, {"Name": "x"}, {})],
)
def test_a_file_system_is_named_after_the_environment_unless_a_name_is_given(
    default_tags: dict[str, str], tags: dict[str, str], name: dict[str, str]
) -> None:
    graph = with_default_tags(default_tags, tags=tags)
    written = json.dumps(json.dumps(name))[1:-1]
    assert f"$parse('{written}')" in states(graph)["CreateFileSystem"]["Arguments"]


def test_with_too_many_default_tags_the_deployment_fails_with_one_line() -> None:
    many = {f"k{number}": "v" for number in range(39)}
    with pytest.raises(pulumi.RunError) as refused:
        with_default_tags(many, tags={"a": "1", "b": "2"})
    assert str(refused.value) == (
        "LustreBatchAutoExport 'lustre': tags: with aws:defaultTags they are 41, more than the 40 that leave room for "
        "others"
    )


def test_a_stack_with_default_tags_is_deployed_and_each_role_has_both_kinds_of_tags() -> None:
    with Account() as account:
        config = {"aws:defaultTags": {"tags": COMPANY}, "tags": {"Team": "imaging", "ENVIRONMENT": "test"}}
        deployment = mocks.deploy(account, config=config)
        for role in deployment.of_type("aws:iam/role:Role"):
            tags = account.client("iam").list_role_tags(RoleName=role.id)["Tags"]
            wanted = {**COMPANY, "environment": "test", "Team": "imaging"}
            assert {tag["Key"]: tag["Value"] for tag in tags} == wanted
