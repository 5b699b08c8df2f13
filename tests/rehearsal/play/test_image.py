"""A job in its image: what a container engine is told, on a machine that has one. A stand-in for Docker notes what it
is told and runs the command."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rehearsal.__main__ import main
from rehearsal.play.scenario import ScenarioError, parse
from rehearsal.play.session import Session
from rehearsal.play.stage import staged
from rehearsal.play.verdict import judge

# It sees the volume through a variable: no test may mount anything.
DOCKER = f"""#!{sys.executable}
import json, os, pathlib, subprocess, sys
told = pathlib.Path(__file__).with_suffix(".told")
with told.open("a") as log:
    log.write(json.dumps(sys.argv[1:]) + "\\n")
if sys.argv[1] == "version":
    if (why := os.environ.get("DOCKER_REFUSES")):
        sys.exit("some advice\\n" + why)
elif sys.argv[1] == "run":
    options = [word for word in sys.argv[2:] if word.startswith("--")]
    image, *words = [word for word in sys.argv[2:] if not word.startswith("--")][:1] + sys.argv[2 + len(options) + 1:]
    env = dict(word[len("--env="):].split("=", 1) for word in options if word.startswith("--env="))
    mounts = [word[len("--volume="):].split(":") for word in options if word.startswith("--volume=")]
    places = {{path: folder for folder, path, *_ in mounts}}
    words = [places.get(word, word) for word in words or ["sh", "-c", "echo the image; env"]]
    print(image, *words, flush=True)
    sys.exit(subprocess.run(words, env=env | {{"PATH": os.environ["PATH"], "MOUNTED": places["/scratch"]}}).returncode)
"""


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "docker").write_text(DOCKER)
    (folder / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder / "docker"


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    with staged() as stage:
        yield stage.session


def told(docker: Path) -> list[list[str]]:
    return [json.loads(line) for line in docker.with_suffix(".told").read_text().splitlines()]


def test_the_job_runs_in_its_image_with_its_file_system_and_the_environment_of_the_attempt(
    session: Session, docker: Path
) -> None:
    script = 'test "$AWS_BATCH_JOB_ATTEMPT" = 1 && echo "$STEPS" > "$MOUNTED/out.txt"; echo "${HOME:-no home}"; exit 3'
    job = {"image": "team/train:1", "command": ["only-in-the-image", "-c", script]}
    (docker.parent / "only-in-the-image").symlink_to("/bin/sh")
    given = {
        "jobDefinitionEnvironment": {"STEPS": "a b=c"},
        "jobDefinitionUser": "1000:100",
        "jobDefinitionSharedMemoryMib": 128,
        "jobDefinitionUlimits": [{"name": "nofile", "softLimit": 512, "hardLimit": 1024}],
    }
    verdict = judge(session, session.play(parse({"job": job, "input": given, "expect": "FAILED"}, "test")))
    assert verdict.why_not == []
    (attempt,) = verdict.facts["attempts"]
    assert attempt["exit_code"] == 3
    assert attempt["output"][-1] == "no home", "nothing of this machine's environment reaches the container"
    assert session.account.buckets.read(session.exports["bucketName"], "out.txt") == b"a b=c\n"
    run = next(words for words in told(docker) if words[0] == "run")
    name = next(word for word in run if word.startswith("--name="))
    assert {"--rm", "--memory=30000m", "--user=1000:100", "--shm-size=128m", "--ulimit=nofile=512:1024"} < set(run)
    assert "--env=AWS_BATCH_JOB_ID=" + attempt["job"] in run
    assert not {"--privileged", "--gpus=all"} & set(run)
    assert run[-4:] == ["team/train:1", "only-in-the-image", "-c", script]
    assert told(docker)[-1] == ["rm", "--force", name.removeprefix("--name=")], "whatever became of it"


def test_alone_it_runs_the_images_own_command_and_a_script_is_mounted_into_it(
    session: Session, docker: Path, tmp_path: Path
) -> None:
    verdict = judge(session, session.play(parse({"job": {"image": "busybox"}}, "test")))
    assert verdict.why_not == []
    assert verdict.facts["attempts"][0]["output"][1] == "the image"
    mine = tmp_path / "mine.sh"
    mine.write_text("#!/bin/sh\necho mine\n")
    mine.chmod(0o755)
    verdict = judge(session, session.play(parse({"job": {"image": "busybox", "script": str(mine)}}, "test")))
    assert verdict.facts["attempts"][0]["output"][-1] == "mine"
    run = [words for words in told(docker) if words[0] == "run"][-1]
    assert f"--volume={mine}:/rehearsal/mine.sh:ro" in run
    assert run[-2:] == ["busybox", "/rehearsal/mine.sh"]


def test_a_container_that_goes_on_is_removed_with_its_attempt(session: Session, docker: Path) -> None:
    job = {"image": "busybox", "command": ["tail", "-f", "/dev/null"], "real_seconds": 0.5}
    with pytest.raises(Exception, match="neither slept nor ended"):
        session.play(parse({"job": job}, "test"))
    assert told(docker)[-1][:2] == ["rm", "--force"]


@pytest.mark.parametrize(
    ("refuses", "words"),
    [
        ("Cannot connect to it.", "it takes a container engine, and docker cannot be used: Cannot connect to it."),
        (None, "it takes a container engine, and there is none (docker or podman) on this machine"),
    ],
)
def test_without_an_engine_that_answers_one_line_says_so(
    docker: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    refuses: str | None,
    words: str,
) -> None:
    if refuses is None:
        docker.unlink()
        monkeypatch.setenv("PATH", str(docker.parent))
    else:
        monkeypatch.setenv("DOCKER_REFUSES", refuses)
    assert main(["--image", "busybox", "--command", "true"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"--image busybox: {words}" in line


def test_what_is_no_image_is_refused_on_every_machine() -> None:
    with pytest.raises(ScenarioError, match=r"job\.image.*not the name of an image"):
        parse({"job": {"image": "--privileged"}}, "test")
