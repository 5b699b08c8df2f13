"""The reference system and ours over the same random schedules: `make compare`. Owns the table that the README shows.

Both run on the same models in the same account; only the definition and its check differ. Both are treated alike: what
is counted is read from the account, never from what a workflow says of itself.
"""

import argparse
import io
import json
import statistics
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lustre_batch.templates import render
from lustre_batch.user_data import user_data

from ..aws.account import Account
from ..provider.deployment import Deployment
from ..provider.mocks import deploy
from . import measures
from .measures import lifetime_seconds
from .output import whole_number
from .prices import file_system_dollars
from .scenario import parse
from .schedules import ordinary, seeded
from .session import Session
from .verdict import judge

REFERENCE = Path(__file__).parent / "reference"
ROOT = Path(__file__).parents[2]
# A file system that is never deleted is billed until somebody notices; it is counted for one day.
UNNOTICED_SECONDS = 86_400.0


@dataclass
class Column:
    """What one system did over all schedules."""

    name: str
    runs: int = 0
    losing_runs: int = 0
    lost_files: int = 0
    leaving_runs: int = 0
    leaving_file_systems: int = 0
    idle_seconds: list[float] = field(default_factory=list)
    overhead_seconds: list[float] = field(default_factory=list)
    bound_seconds: list[float] = field(default_factory=list)
    start_seconds: list[float] = field(default_factory=list)
    bound_start_seconds: list[float] = field(default_factory=list)
    transitions: list[int] = field(default_factory=list)
    dollars: list[float] = field(default_factory=list)

    def add(self, session: Session, facts: dict[str, Any]) -> None:
        account = session.account
        self.runs += 1
        self.losing_runs += facts["lost_files"] > 0
        self.lost_files += facts["lost_files"]
        left = {thing["type"] for thing in facts["leaked"]}
        self.leaving_runs += bool(left)
        self.leaving_file_systems += "file-system" in left
        if facts["idle_seconds"] is not None and not facts["lost_files"]:  # who deletes too early does not idle
            self.idle_seconds.append(facts["idle_seconds"])
        if facts["overhead_seconds"] is not None and facts["job_started_at"] is not None and not facts["lost_files"]:
            self.overhead_seconds.append(facts["overhead_seconds"])
            self.bound_seconds.append(measures.bound_overhead_seconds(account))
        if facts["job_started_at"] is not None:
            self.start_seconds.append(facts["job_started_at"])
            self.bound_start_seconds.append(measures.bound_start_seconds(account))
        self.transitions.append(facts["transitions"])
        self.dollars.append(
            sum(
                file_system_dollars(one.request, lifetime_seconds(one, account.clock.now() + UNNOTICED_SECONDS))
                for one in account.file_systems.all.values()
            )
        )

    def minutes(self, percentile: float) -> float:
        ordered = sorted(self.idle_seconds) or [0.0]
        return ordered[min(len(ordered) - 1, int(len(ordered) * percentile))] / 60

    @staticmethod
    def median_minutes(seconds: list[float]) -> float:
        return statistics.median(seconds or [0.0]) / 60


def compare(schedules: int) -> tuple[Column, Column]:
    """Play the schedules with seeds 0, 1, … on both systems."""
    ours, reference = Column("this project"), Column("the reference")
    with Account() as account:
        # A reference run may poll for weeks; a sweep of ours a day is enough to pass by meanwhile.
        deployment = deploy(account, config={"sweepIntervalMinutes": "1440"})
        machines = [(ours, deployment.exports["stateMachineArn"]), (reference, create_reference(account, deployment))]
        session = Session(account, deployment.exports)
        for column, machine in machines:
            session.exports = deployment.exports | {"stateMachineArn": machine}
            for seed in range(schedules):
                played = session.play(parse(ordinary(seeded(seed)), f"schedule {seed}"))
                column.add(session, judge(session, played).facts)
    return ours, reference


def create_reference(account: Account, deployment: Deployment) -> str:
    """The reference's state machine and Lambda beside ours, on the same network, queue and bucket; returns its ARN.

    Its roles may do everything: what it is compared for is its rule, not its permissions.
    """
    role = account.client("iam").create_role(RoleName="reference", AssumeRolePolicyDocument=json.dumps(ANYBODY))["Role"]
    account.client("iam").put_role_policy(
        RoleName="reference", PolicyName="everything", PolicyDocument=json.dumps(EVERYTHING)
    )
    function = account.client("lambda").create_function(
        FunctionName="reference-check-metrics",
        Runtime="python3.13",
        Role=role["Arn"],
        Handler="check_metrics.handler",
        Code={"ZipFile": _zipped(REFERENCE / "check_metrics.py")},
        Environment={"Variables": {"PERIOD": "60", "TIME_DIFF": "15"}},
    )
    subnet = next(one for one in deployment.of_type("aws:ec2/subnet:Subnet") if one.name.endswith("private-1"))
    (group,) = deployment.of_type("aws:ec2/securityGroup:SecurityGroup")
    exports = deployment.exports
    definition = render(
        (REFERENCE / "workflow.asl.json").read_text("utf-8"),
        {
            "CheckMetricsFunctionArn": function["FunctionArn"],
            "ComputeEnvironmentArn": exports["computeEnvironmentArn"],
            "DataRepositoryPath": f"s3://{exports['bucketName']}/",
            "FileSystemSubnetId": subnet.id,
            "JobQueueArn": exports["jobQueueArn"],
            "ParametersSecretArn": exports["parametersSecretArn"],
            "SecurityGroupIds": [group.id],
            "UserData": user_data(),
        },
    )
    machine = account.client("stepfunctions").create_state_machine(
        name="reference", definition=definition, roleArn=role["Arn"]
    )
    return str(machine["stateMachineArn"])


ANYBODY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def _zipped(path: Path) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.write(path, path.name)
    return content.getvalue()


ROWS: tuple[tuple[str, str, Callable[[Column], str]], ...] = (
    ("runs that lost data", "データを失った実行", lambda c: f"{c.losing_runs}"),
    ("files lost", "失われたファイル", lambda c: f"{c.lost_files:,}"),
    ("runs that left a file system behind", "ファイルシステムを残した実行", lambda c: f"{c.leaving_file_systems}"),
    ("runs that left anything behind", "何かを残した実行", lambda c: f"{c.leaving_runs}"),
    (
        "idle minutes (drained → deleted), median",
        "アイドル時間（分、エクスポート完了→削除）の中央値",
        lambda c: f"{c.minutes(0.5):.1f}",
    ),
    ("idle minutes, 95th percentile", "アイドル時間（分）の 95 パーセンタイル", lambda c: f"{c.minutes(0.95):.1f}"),
    (
        "overhead minutes (neither job, export nor FSx's own work), median",
        "オーバーヘッド（分、何の役にも立たないファイルシステムの時間）の中央値",
        lambda c: f"{c.median_minutes(c.overhead_seconds):.1f}",
    ),
    (
        "of these set by AWS (boot, one datapoint, export task), median",
        "うち AWS 側で決まる分（起動、データポイント 1 個、エクスポートタスク）の中央値",
        lambda c: f"{c.median_minutes(c.bound_seconds):.1f}",
    ),
    (
        "minutes from start to job running, median",
        "開始からジョブ実行まで（分）の中央値",
        lambda c: f"{c.median_minutes(c.start_seconds):.1f}",
    ),
    (
        "of these set by AWS (creation, linking, import, boot), median",
        "うち AWS 側で決まる分（作成、関連付け、インポート、起動）の中央値",
        lambda c: f"{c.median_minutes(c.bound_start_seconds):.1f}",
    ),
    (
        "state transitions per run (mean)",
        "1 実行あたりの状態遷移数（平均）",
        lambda c: f"{statistics.mean(c.transitions):.0f}",
    ),
    (
        "file system cost per run (mean)",
        "1 実行あたりのファイルシステム費用（平均）",
        lambda c: f"${statistics.mean(c.dollars):.2f}",
    ),
)


def table(ours: Column, reference: Column, language: str = "en") -> str:
    """The two columns as Markdown."""
    heads = {"en": f"over {ours.runs:,} schedules", "ja": f"{ours.runs:,} 通りのスケジュール"}
    names = {"en": (reference.name, ours.name), "ja": ("参照システム", "本プロジェクト")}[language]
    lines = [f"| {heads[language]} | {names[0]} | {names[1]} |", "|---|---:|---:|"]
    for english, japanese, show in ROWS:
        lines.append(f"| {english if language == 'en' else japanese} | {show(reference)} | {show(ours)} |")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m rehearsal.play.compare", description=__doc__)
    parser.add_argument("--schedules", default="1000", metavar="N", help="how many (seeds 0 to N-1)")
    parser.add_argument("--write", action="store_true", help="put the table into the READMEs as well")
    options = parser.parse_args(arguments)
    ours, reference = compare(whole_number("compare", "N", options.schedules))
    print(table(ours, reference))
    if options.write:
        for name, language in (("README.md", "en"), ("README.ja.md", "ja")):
            path = ROOT / name
            begin, end = "<!-- comparison -->", "<!-- /comparison -->"
            head, _, rest = path.read_text("utf-8").partition(begin)
            _, _, tail = rest.partition(end)
            path.write_text(f"{head}{begin}\n{table(ours, reference, language)}\n{end}{tail}", "utf-8")


if __name__ == "__main__":
    main()
