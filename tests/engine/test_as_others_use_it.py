"""The component as others use it: from a wheel in Python, as a plugin from YAML, both far from this repository."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
import sysconfig
from typing import Any

import pytest
from lustre_batch.settings import Settings

from rehearsal.aws.account import Account
from rehearsal.play import scenario
from rehearsal.play.session import Session
from rehearsal.play.verdict import judge
from rehearsal.provider import engine
from rehearsal.provider.deployment import ROOT
from tests.engine.inventory import inventory
from tools import changes

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A virtual environment with the wheel and nothing else of this repository; a .pth file lends it the
    dependencies."""
    folder = tmp_path_factory.mktemp("elsewhere")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", folder, ROOT], check=True, capture_output=True
    )
    (wheel,) = folder.glob("lustre_batch-*.whl")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "env"], check=True)
    python = folder / "env" / "bin" / "python"
    (packages,) = (folder / "env" / "lib").glob("python3.*/site-packages")
    (packages / "dependencies.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index", wheel],
        check=True,
    )
    return python.parent


def test_two_components_from_a_wheel_share_an_existing_network_and_bucket(scripts: pathlib.Path) -> None:
    with Account() as account, engine.started(account, ROOT / "examples" / "two_teams", scripts) as started:
        there = changes.existing(account)
        before, tags = inventory(account), _tags(account, there)
        started.init("dev")
        workspace = started.workspace
        workspace.set_config("dev", {"aws:region": account.region, "vpcId": there.vpc_id})
        workspace.set_config("dev", {"subnetIds": there.subnet_ids, "bucketName": there.bucket_name})
        workspace.operate("up", "dev")
        exports = workspace.outputs("dev")
        assert workspace.operate("up", "dev").changes == {}
        for team in ("imaging", "genomics"):
            session = Session(
                account, {"stateMachineArn": exports[f"{team}StateMachineArn"], "bucketName": there.bucket_name}
            )
            verdict = judge(session, session.play(scenario.load("late-burst")))
            assert verdict.passed, (team, verdict.why_not)
        workspace.operate("destroy", "dev")
        # By design, the repositories are retained: they may hold images.
        assert {item.split()[0] for item in inventory(account) - before} == {"ecr"}
        assert before <= inventory(account)
        assert _tags(account, there) == tags


def test_a_yaml_program_reaches_the_component_through_the_installed_plugin(scripts: pathlib.Path) -> None:
    with Account() as account, engine.started(account, ROOT / "examples" / "yaml", scripts) as started:
        started.init("dev")
        workspace = started.workspace
        workspace.set_config("dev", {"aws:region": account.region})
        workspace.operate("up", "dev")
        exports = workspace.outputs("dev")
        client = account.client("stepfunctions")
        assert client.describe_state_machine(stateMachineArn=exports["stateMachineArn"])["status"] == "ACTIVE"
        assert workspace.operate("up", "dev").changes == {}
        workspace.operate("destroy", "dev")


def test_the_schema_describes_every_input_in_the_words_of_the_settings(scripts: pathlib.Path) -> None:
    with Account() as account, engine.started(account, ROOT / "examples" / "yaml", scripts) as started:
        schema = json.loads(
            started.workspace.run("package", "get-schema", str(scripts / "pulumi-resource-lustre-batch")).output
        )
    component: dict[str, Any] = schema["resources"]["lustre-batch:index:LustreBatchAutoExport"]
    assert component["isComponent"]
    described = {name: entry.get("description", "") for name, entry in component["inputProperties"].items()}
    for field in Settings.model_fields.values():
        words = (field.description or "").split()
        assert described[str(field.alias)].split()[: len(words)] == words
    assert all(entry.get("description") and "type" in entry for entry in component["properties"].values())


def _tags(account: Account, there: changes.Existing) -> Any:
    """What would show a change to the resources that were there before."""
    ec2 = account.client("ec2")
    return (
        ec2.describe_vpcs(VpcIds=[there.vpc_id])["Vpcs"],
        ec2.describe_subnets(SubnetIds=there.subnet_ids)["Subnets"],
        ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [there.vpc_id]}])["RouteTables"],
        account.client("s3").get_bucket_versioning(Bucket=there.bucket_name).get("Status"),
    )
