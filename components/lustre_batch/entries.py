"""Lists and maps that a run may choose: what their entries may be, as data that the deployment and every run read.

The state machine has the same rules (validation.run_time_rules) and the same patterns, and judges by them in the same
order (definition/run.asl.yaml, CheckParameters): both refuse a value with the same words. A list or map may be its JSON
text, as people write it into the secret, and a whole number stands for its text.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from .rules import BUCKET_NAME, IMAGE_PATTERN, PREFIX_BYTES, Refused, compact, same_but_for_case, show

# Without a backslash or a quote, so that JSONata takes them as they stand.
# SDK ContainerProperties, environment: names cannot begin with AWS_BATCH. The rest is what POSIX lets a name have,
# and the dots and hyphens that other programs read; a name with = could not be set.
VARIABLE_PATTERN: Final = "(?!AWS_BATCH)[A-Za-z_][A-Za-z0-9_.-]{0,254}"
# SDK ECS, Tag, whose tags have what IAM's have; only the ASCII of it, since engines differ in what else is a letter.
_TAG_SIGNS: Final = "[A-Za-z0-9 _.:/=+@-]"
_OURS: Final = "(?![Aa][Ww][Ss]:|[Ll][Uu][Ss][Tt][Rr][Ee]-[Bb][Aa][Tt][Cc][Hh]:)"
# What a bucket's prefix may have (rules.check_prefix), but for signs beyond 16 bits, in which engines differ.
_NAME: Final = "(?![.]{1,2}([/]|$))[ -.0-~\u00a0-\u2027\u202a-\ud7ff\ue000-\ufffd]+"
# SDK Secret, valueFrom: the full ARN, which ends with a hyphen and six signs of Secrets Manager's own. SDK CreateSecret
# and PutParameter, Name: the signs of their names.
_SECRET_ARN: Final = "arn:[a-z-]+:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]{1,512}-[A-Za-z0-9]{6}"
_PARAMETER_ARN: Final = "arn:[a-z-]+:ssm:[a-z0-9-]+:[0-9]{12}:parameter/[A-Za-z0-9_./-]{1,1011}"
# Batch guide, "Specify sensitive data using Secrets Manager": a key of the JSON in it, version stage and id may follow.
_OF_THE_SECRET: Final = "(:[A-Za-z0-9/_+=.@-]{0,256}:[A-Za-z0-9/_+=.@-]{0,256}:[A-Za-z0-9-]{0,64})?"
_PREFIX: Final = f"{_NAME}([/]{_NAME})*[/]?"
PATTERNS: Final = {
    "image": IMAGE_PATTERN,
    "input": f"(s3:[/][/]{BUCKET_NAME}([/]({_PREFIX})?)?|{_PREFIX})",
    "prefix": f"({_PREFIX})?",
    "roleArn": "arn:[a-z-]+:iam::[0-9]{12}:role[/][A-Za-z0-9_+=,.@/-]{1,576}",
    "secret": f"{_SECRET_ARN}{_OF_THE_SECRET}|{_PARAMETER_ARN}",
    "secretArn": f"{_SECRET_ARN}|{_PARAMETER_ARN}",
    "tagKey": f"{_OURS}{_TAG_SIGNS}{{1,128}}",
    "tagValue": f"{_TAG_SIGNS}{{0,256}}",
    "user": "([A-Za-z0-9_][A-Za-z0-9_.-]*(:[A-Za-z0-9_][A-Za-z0-9_.-]*)?)?",
    "variable": VARIABLE_PATTERN,
}
# SDK RegisterJobDefinition, propagateTags: a job with more than 50 fails. 40 of the user's and the provider's
# (rules.py), Environment and two of the run's leave so many.
MOST_JOB_TAGS: Final = 7
# SDK CreateDataRepositoryAssociation: eight a file system.
MOST_INPUTS: Final = 7
# SDK Ulimit: the names. Docker takes -1 for no limit; SDK: an integer of 32 bits.
_LIMIT: Final = {"minimum": -1, "maximum": 2**31 - 1}
_ULIMIT_NAMES: Final = (
    "core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc", "rss", "rtprio",
    "rttime", "sigpending", "stack",
)  # fmt: skip
# By the field of Settings: which pattern the texts of a value have to match, and the names of a map. The pattern `any`
# is whatever a C string can hold. A list of `limits` has their names and bounds instead.
TEXTS: Final[dict[str, dict[str, Any]]] = {
    "job_definition_container_image": {"texts": "image"},
    "job_definition_command": {"texts": "any"},
    "job_definition_environment": {"names": "variable", "texts": "any"},
    "job_definition_secrets": {"names": "variable", "texts": "secret"},
    "job_definition_tags": {"names": "tagKey", "texts": "tagValue", "most": MOST_JOB_TAGS},
    "job_definition_ulimits": {"limits": {"names": list(_ULIMIT_NAMES), **_LIMIT}},
    "job_definition_user": {"texts": "user"},
    "input_prefixes": {"texts": "input", "most": MOST_INPUTS},
    "job_role_arn": {"texts": "roleArn"},
    "key_prefix": {"texts": "prefix"},
}
# What a message shows of a list or map at most.
SHOWN_CHARACTERS: Final = 200
# Every number below it has one form as text, with JSONata as with Python.
_WHOLE_NUMBERS: Final = 10**15


def read_entries(name: str, value: Any, rule: str) -> Any:
    """The list or map that a parameter was given, with text in place of numbers.

    Raises
    ------
    Refused
        Naming what does not fit, and the rule in words.
    """
    given, stated = _parsed(value), TEXTS[name]
    if "limits" in stated:
        if not _are_limits(given, **stated["limits"]):
            raise Refused(f"{_shown(value)} is not {rule}")
        return given
    texts, names = stated["texts"], stated.get("names")
    if names is None:
        read = [_as_text(item) for item in given] if isinstance(given, list) else [None]
        if not all(matches(texts, item) for item in read) or len(read) > stated.get("most", len(read)):
            raise Refused(f"{_shown(value)} is not {rule}")
        return read
    if not isinstance(given, Mapping):
        raise Refused(f"{_shown(value)} is not {rule}")
    read_map = {key: _as_text(item) for key, item in given.items()}
    wrong = {key: given[key] for key, text in read_map.items() if not (matches(names, key) and matches(texts, text))}
    if wrong:
        raise Refused(f"{_shown(wrong)} is not {rule}")
    if "most" in stated and (len(read_map) > stated["most"] or same_but_for_case(read_map)):
        raise Refused(f"{_shown(value)} is not {rule}")
    return read_map


def _are_limits(given: Any, names: Sequence[str], minimum: int, maximum: int) -> bool:
    if not isinstance(given, list) or not all(
        isinstance(each, Mapping) and set(each) == {"name", "softLimit", "hardLimit"} for each in given
    ):
        return False
    numbers = [number for each in given for number in (each["softLimit"], each["hardLimit"])]
    return (
        all(each["name"] in names for each in given)
        and all(isinstance(one, int) and not isinstance(one, bool) and minimum <= one <= maximum for one in numbers)
        and all(each["hardLimit"] == -1 or 0 <= each["softLimit"] <= each["hardLimit"] for each in given)
        and len({each["name"] for each in given}) == len(given)
    )


def _parsed(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _as_text(item: Any) -> Any:
    """A whole number as its text; anything else as it is: 3.10 would not become what was written."""
    number = isinstance(item, int | float) and not isinstance(item, bool)
    return str(int(item)) if number and abs(item) < _WHOLE_NUMBERS and item == int(item) else item


def matches(pattern: str, text: Any) -> bool:
    """Whether a text is what one of the patterns says."""
    if not isinstance(text, str):
        return False
    if pattern in ("input", "prefix") and len(text.encode(errors="surrogatepass")) > PREFIX_BYTES:
        return False
    return "\x00" not in text if pattern == "any" else re.fullmatch(PATTERNS[pattern], text) is not None


def _shown(value: Any) -> str:
    text = show(value) if isinstance(value, str) else compact(value)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"


# ---------------------------------------------------------------------- secrets
_PARTS_OF_AN_ARN: Final = 7


def secret_of(value: str) -> str:
    """The ARN of the secret or parameter that a variable's value is taken from, without what follows."""
    return ":".join(value.split(":")[:_PARTS_OF_AN_ARN])


def readable(arns: Sequence[str], secrets: Mapping[str, str]) -> list[str]:
    """The secrets that jobs may read: those that the stack names for its runs, and those that its own value names."""
    return list(dict.fromkeys([*arns, *map(secret_of, secrets.values())]))


# ---------------------------------------------------------------------- what all of them amount to
# Batch guide, service quotas: maximum job definition size. What is not a run's to choose takes less than 2 KiB of it,
# the stack's tags aside.
JOB_DEFINITION_BYTES: Final = 24 * 1024
_OURS_BYTES: Final = 2048
# {"name":…,"valueFrom":…} in place of …:…
BYTES_AN_ENTRY: Final = 21
_NOT_ASCII: Final = re.compile(r"[^\x00-\x7f]")


def room(tags: Mapping[str, str]) -> int:
    """How many bytes a job definition has for what a run may choose, beside these tags."""
    return JOB_DEFINITION_BYTES - _OURS_BYTES - _json_bytes(tags)


def too_large(values: Mapping[str, Any], tags: Mapping[str, str]) -> str | None:
    """What is said of lists and maps, by key, that no job definition could hold together."""
    size, limit = sum(map(_json_bytes, values.values())), room(tags)
    return None if size <= limit else f"{', '.join(values)}: {size} bytes {too_many_bytes(limit)}"


def too_many_bytes(limit: int) -> str:
    """What is said of a size that exceeds the room."""
    return f"as JSON are more than the {limit} for which a job definition of Batch (24 KiB) has room"


def _json_bytes(value: Any) -> int:
    """As JSON in its longest form, in which everything but ASCII is escaped."""
    size = len(_NOT_ASCII.sub("------", compact(value)))
    return size + BYTES_AN_ENTRY * len(value) if isinstance(value, Mapping) else size
