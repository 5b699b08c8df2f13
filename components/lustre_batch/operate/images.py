"""The job's image, from a folder on this machine to the next run. Owns the tag, which stands for one image for ever,
and the engine that builds it."""

from __future__ import annotations

import base64
import datetime
import json
import re
import secrets
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ..instance_types import architectures
from .problems import Problem
from .stack import Stack

# All take Docker's words for what is asked of them here.
ENGINES: Final = ("docker", "podman", "finch", "nerdctl")
# As images name what EC2 calls otherwise.
ARCHITECTURES: Final = {"x86_64": "amd64", "arm64": "arm64"}
ECR: Final = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?/(?P<name>[^:@]+)"
    r"(?::(?P<tag>[^@]+))?(?:@(?P<digest>.+))?"
)
_KEY: Final = "jobDefinitionContainerImage"


def repository(stack: Stack) -> str:
    """The repository of the stack's images, as the deployment has it.

    Raises
    ------
    Problem
        When the stack adopts an image of a registry that this cannot sign in to.
    """
    image = str(json.loads(stack.value("ParameterDefaults"))[_KEY])
    place = ECR.fullmatch(image)
    if place is None or (place["account"], place["region"]) != (stack.account_id, stack.region):
        raise Problem(
            f"the stack's image is {image}, which is in no registry of its account and region: "
            f"push a new one there yourself, and name it with --set {_KEY}=IMAGE"
        )
    return image.partition("@")[0].rpartition(":")[0] if place["tag"] else image.partition("@")[0]


def engine() -> str:
    """The first engine that this machine has."""
    found = next((name for name in ENGINES if shutil.which(name)), None)
    if found is None:
        raise Problem(
            f"there is no {', '.join(ENGINES[:-1])} or {ENGINES[-1]} here: one of them has to build the image"
        )
    return found


def push(stack: Stack, context: Path, build_file: Path | None = None) -> str:
    """Build a folder's image for the stack's instances, and push it under a tag of its own; the image's name.

    Raises
    ------
    Problem
        When there is nothing to build, or the engine fails; what it says goes to standard error.
    """
    if not context.is_dir():
        raise Problem(f"{context} is no folder to build an image from")
    of = build_file or next(
        (context / name for name in ("Dockerfile", "Containerfile") if (context / name).exists()), None
    )
    if of is None or not of.exists():
        raise Problem(f"{of or context / 'Dockerfile'} does not exist: it says how the image is built")
    place, tool = repository(stack), engine()
    environment = stack.first_environment()
    names = environment["computeResources"]["instanceTypes"] if environment else []
    made_for = [ARCHITECTURES.get(one, one) for one in architectures(names)] or ["amd64"]
    # Never used again: a run that starts later has the image that it was started with.
    tag = f"{datetime.datetime.now(datetime.UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
    image = f"{place}:{tag}"
    platforms = ",".join(f"linux/{one}" for one in made_for)
    _do(tool, ["build", "--platform", platforms, "--file", str(of), "--tag", image, str(context)])
    answer = stack.client("ecr").get_authorization_token()["authorizationData"][0]
    user, _, password = base64.b64decode(answer["authorizationToken"]).decode().partition(":")
    _do(tool, ["login", "--username", user, "--password-stdin", place.partition("/")[0]], password)
    _do(tool, ["push", image])
    return image


def use(stack: Stack, image: str) -> None:
    """Make it the image of every run that starts from now on and names no other."""
    client, secret = stack.client("secretsmanager"), stack.value("ParametersSecretArn")
    try:
        values = json.loads(client.get_secret_value(SecretId=secret)["SecretString"])
    except ValueError:
        values = None
    if not isinstance(values, dict):
        raise Problem(f"{image} was pushed, but the secret {secret} has no JSON object that could name it: correct it")
    client.put_secret_value(SecretId=secret, SecretString=json.dumps(values | {_KEY: image}, indent=2))


def _do(tool: str, words: Sequence[str], text: str | None = None) -> None:
    done = subprocess.run([tool, *words], input=text, text=True, stdout=2, check=False)
    if done.returncode != 0:
        raise Problem(f"{tool} {words[0]} ended with status {done.returncode}: what it said is above")
