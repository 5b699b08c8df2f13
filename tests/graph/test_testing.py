"""`lustre_batch.testing`: the mocks under which others unit-test their programs, and what they record."""

from __future__ import annotations

import contextlib
import pathlib
import subprocess
import sys
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest
from lustre_batch import LustreBatchAutoExport, testing
from pulumi.runtime.mocks import MockCallArgs, MockResourceArgs

from rehearsal.provider.deployment import ROOT
from tests.docs import markdown

SCHEDULE = "aws:scheduler/schedule:Schedule"


def test_the_test_that_the_examples_show_runs_and_passes() -> None:
    [program] = markdown.blocks("examples/README.md", "python")
    names: dict[str, Any] = {}
    with contextlib.chdir(ROOT / "examples"):
        exec(program, names)
        tests = [value for name, value in names.items() if name.startswith("test_")]
        assert len(tests) == 1
        for test in tests:
            test()


def test_what_stands_beside_the_component_is_recorded_with_it() -> None:
    def program() -> None:
        nightly = LustreBatchAutoExport("nightly")
        topic = aws.sns.Topic("results")
        pulumi.export("machine", nightly.state_machine_arn)
        pulumi.export("topic", topic.arn)

    graph = testing.record(program)
    assert graph.exports["machine"].startswith("arn:aws:states:us-east-1:123456789012:stateMachine:nightly-")
    assert graph.exports["topic"].startswith("arn:aws:sns:us-east-1:123456789012:results-")
    assert graph.one("aws:sns/topic:Topic", "results").parent.endswith("::project-stack")


def test_a_program_in_a_folder_is_run_with_the_modules_beside_it_and_its_configuration(tmp_path: pathlib.Path) -> None:
    (tmp_path / "names.py").write_text("import pulumi\nNAME = pulumi.Config().require('name')\n")
    (tmp_path / "__main__.py").write_text(
        "import names, pulumi, pulumi_aws as aws\n"
        "bucket = aws.s3.Bucket(names.NAME)\n"
        "pulumi.export('stack', pulumi.get_stack())\n"
    )
    graph = testing.record(tmp_path, config={"name": "mine"}, stack="dev")
    assert [each.name for each in graph.registrations] == ["mine"]
    assert graph.exports == {"stack": "dev"}


def test_in_a_preview_what_aws_would_assign_is_unknown() -> None:
    def program() -> None:
        arns.append(aws.sns.Topic("results").arn.apply(lambda arn: known.append(arn)))

    known: list[str] = []
    arns: list[pulumi.Output[None]] = []
    testing.record(program, preview=True)
    assert known == []
    testing.record(program)
    assert len(known) == 1


def test_the_mocks_serve_pulumis_own_way_of_testing_too() -> None:
    """In a process of its own: set_mocks is for the whole of it."""
    program = """
import pulumi
from lustre_batch import LustreBatchAutoExport, testing
pulumi.runtime.set_mocks(testing.Mocks(region="eu-west-1"), preview=False)
@pulumi.runtime.test
def check():
    return LustreBatchAutoExport("nightly").state_machine_arn.apply(print)
check()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("arn:aws:states:eu-west-1:123456789012:stateMachine:nightly-")


class _Nothing(pulumi.runtime.Mocks):
    """As Pulumi's documentation shows them: every input is an output, and lookups are answered with nothing."""

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        return f"{args.name}_id", args.inputs

    def call(self, args: MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        return {}, []


class _Lookups(testing.Mocks):
    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        return f"{args.name}_id", args.inputs


@pytest.mark.parametrize("mocks", [_Nothing(), _Lookups()], ids=["nothing", "lookups"])
def test_mocks_that_leave_an_answer_out_are_told_so_in_one_line(mocks: pulumi.runtime.Mocks) -> None:
    with pytest.raises(pulumi.RunError) as refused:
        testing.record(lambda: LustreBatchAutoExport("nightly"), mocks=mocks)
    assert "\n" not in str(refused.value)
    assert str(refused.value).endswith(
        ": answered with nothing; the mocks of a unit test have to answer it, as those of lustre_batch.testing do"
    )


def test_two_components_of_one_name_are_refused_in_a_sentence() -> None:
    with pytest.raises(pulumi.RunError, match="LustreBatchAutoExport: two have the name 'nightly'"):
        testing.record(lambda: [LustreBatchAutoExport("nightly") for _ in range(2)])


def test_a_program_that_fails_raises_its_own_error_and_leaves_nothing_for_the_next(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def failing() -> None:
        aws.sns.Topic("made")
        raise LookupError("the program's own")

    graph = testing.Graph()
    with pytest.raises(LookupError, match="the program's own"):
        testing.record(failing, into=graph)
    assert [each.name for each in graph.registrations] == ["made"]
    assert [each.name for each in testing.record(lambda: aws.sns.Topic("next")).registrations] == ["next"]
    assert capsys.readouterr() == ("", "")
