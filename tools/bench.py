"""Measures what is promised about speed: `make bench`. Prints medians and ratios, one line each; asserts nothing.

Every figure is a whole process, several times over; pairs that are compared run in turns, so that a slow moment of the
machine affects both.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
RUNS = 5

# One class of every module that the component uses: pulumi_aws loads a module when it is first touched.
TOUCHED = (
    "batch.JobQueue cloudwatch.LogGroup ec2.Vpc ecr.Repository iam.Role lambda_.Function s3.Bucket "
    "secretsmanager.Secret sfn.StateMachine sns.Topic vpc.SecurityGroupIngressRule"
)
IMPORTS = "import pulumi, pulumi_aws as aws; " + "; ".join(f"aws.{name}" for name in TOUCHED.split())
# The whole stack program under mocks that answer at once: what is left is imports and registration.
GRAPH = """
import runpy, pulumi
ANSWERS = {
    "getRegion": {"region": "eu-west-1"}, "getPartition": {"partition": "aws", "dnsSuffix": "amazonaws.com"},
    "getCallerIdentity": {"accountId": "123456789012"},
    "getAvailabilityZones": {"names": ["eu-west-1a", "eu-west-1b"]},
}
count = 0
class Mocks(pulumi.runtime.Mocks):
    def new_resource(self, args):
        global count
        count += 1
        name = args.inputs.get("name") or f"{args.name}-1a2b3c4"
        outputs = {"arn": f"arn:aws:x:eu-west-1:1:{name}", "name": name, "bucket": name, "repositoryUrl": name}
        return f"{args.name}-id", outputs | args.inputs
    def call(self, args):
        return ANSWERS[args.token.rsplit(":", 1)[1]]
pulumi.runtime.set_mocks(Mocks(), project="lustre-batch", stack="autoexport")
pulumi.runtime.test(lambda: runpy.run_path("__main__.py") and None)()
assert count > 40, count
"""
CHECK = "import boto3; boto3.client"
HANDLER = "import sys; sys.path.insert(0, 'functions/check_metrics'); import handler"


def seconds(command: list[str]) -> float:
    started = time.perf_counter()
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    elapsed = time.perf_counter() - started
    if finished.returncode:
        raise SystemExit(
            f"{finished.stdout}{finished.stderr}\nbench: {' '.join(command)[:120]}: status {finished.returncode}"
        )
    return elapsed


def in_turns(*commands: list[str], runs: int = RUNS) -> list[float]:
    """The median of each command, after one run that is not counted."""
    taken: list[list[float]] = [[] for _ in commands]
    for number in range(runs + 1):
        for times, command in zip(taken, commands, strict=True):
            elapsed = seconds(command)
            if number:
                times.append(elapsed)
    return [statistics.median(times) for times in taken]


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def engine_operations(program: Path) -> tuple[float, float]:
    """Seconds of the first preview and the first up of a program, through the engine and its language host."""
    from rehearsal.aws.account import Account
    from rehearsal.provider import engine

    taken = []
    with Account() as account, engine.started(account, program) as started:
        started.init("autoexport")
        for operation in ("preview", "up"):
            began = time.perf_counter()
            started.workspace.operate(operation, "autoexport")
            taken.append(time.perf_counter() - began)
    return taken[0], taken[1]


def engine_beside_an_empty_program() -> None:
    from rehearsal.provider import engine

    if engine.find() is None:
        print(f"the engine                           {engine.MISSING}")
        return
    with tempfile.TemporaryDirectory() as name:
        empty = Path(name)
        (empty / "Pulumi.yaml").write_text("name: empty\nruntime: python\n")
        (empty / "__main__.py").write_text("import pulumi\n")
        for what, program in (("an empty program", empty), ("the whole stack", ROOT)):
            runs = [engine_operations(program) for _ in range(3)]
            preview, up = (statistics.median(times) for times in zip(*runs, strict=True))
            print(f"{what:<36} {preview:6.2f} s preview, {up:.2f} s up (aim: within 5 s of the empty one)")


def main() -> None:
    (rehearsal,) = in_turns([sys.executable, "-m", "rehearsal", "--json"], runs=3)
    print(f"make rehearse, default scenario      {rehearsal:6.2f} s   (aim: under 6 s)")
    (million,) = in_turns([sys.executable, "-m", "rehearsal", "--json", "--scenario", "million-small-files"], runs=3)
    print(f"a million small files                {million:6.2f} s   (aim: under 10 s)")
    imports, graph = in_turns(python(IMPORTS), python(GRAPH))
    print(f"import pulumi, pulumi_aws            {imports:6.2f} s")
    print(f"the whole graph under mocks          {graph:6.2f} s   {graph / imports:.2f} x the import (aim: 1.5 x)")
    engine_beside_an_empty_program()
    from tools import bench_lanes  # late: what is measured above are processes, and this one stays small until then

    bench_lanes.main()
    boto3, handler = in_turns(python(CHECK), python(HANDLER))
    print(f"import boto3                         {boto3:6.3f} s")
    print(f"the handler's cold import            {handler:6.3f} s   {handler / boto3:.2f} x boto3 (aim: 1.1 x)")


if __name__ == "__main__":
    main()
