"""Rules of single values that a bound or a list of choices cannot say, in words that name what is wrong.

This module knows what AWS takes; which parameter a value belongs to, and how its message begins, others know.
"""

import json
import re
import unicodedata
from collections.abc import Mapping
from typing import Any, Final

TAG_PREFIX: Final = "lustre-batch:"
TAG_OF_STACK: Final = f"{TAG_PREFIX}stack"
TAG_OF_EXECUTION: Final = f"{TAG_PREFIX}execution"


class Refused(ValueError):
    """A value that is refused for a reason which says more than its parameter's rule."""


# ---------------------------------------------------------------------- tags
# A resource takes 50 tags; some are the component's and the run's.
MOST_TAGS: Final = 40
_KEY_LENGTH: Final = 128
_VALUE_LENGTH: Final = 256
# SDK, FSx TagKey and TagValue, and IAM tagKeyType and tagValueType: [\p{L}\p{Z}\p{N}_.:/=+\-@]*
_TAG_SIGNS: Final = "_.:/=+-@"
TAG_SIGNS_IN_WORDS: Final = "letters, digits, spaces and _ . : / = + - @"


def read_tags(value: Any) -> dict[str, str]:
    """A map of tags; numbers stand for their text, as people write them in YAML.

    Raises
    ------
    Refused
        Naming the tag.
    """
    if not isinstance(value, Mapping):
        raise ValueError("not a map")
    if len(value) > MOST_TAGS:
        raise Refused(f"{len(value)} tags are more than the {MOST_TAGS} that leave room for others")
    tags: dict[str, str] = {}
    for key, given in value.items():
        text = json.dumps(given) if isinstance(given, int | float) and not isinstance(given, bool) else given
        _check_tag(key, text)
        tags[key] = text
    if clash := same_but_for_case(tags):
        raise Refused(f"{clash[0]} and {clash[1]} differ by case only, which IAM takes for the same key")
    return tags


def same_but_for_case(keys: Mapping[str, Any]) -> tuple[str, str] | None:
    """Two keys that IAM does not tell apart (IAM guide, tagging rules: keys are not case-sensitive)."""
    seen: dict[str, str] = {}
    for key in keys:
        if (other := seen.setdefault(key.lower(), key)) != key:
            return other, key
    return None


def beside_default_tags(users: Mapping[str, str], provider: Mapping[str, str]) -> dict[str, str]:
    """The user's tags, spelled so that each replaces the default tag of that key instead of standing beside it.

    Raises
    ------
    Refused
        When there are too many of both.
    """
    spelled = {key.lower(): key for key in provider}
    tags = {spelled.get(key.lower(), key): value for key, value in users.items()}
    if (count := len({**provider, **tags})) > MOST_TAGS:
        raise Refused(f"with aws:defaultTags they are {count}, more than the {MOST_TAGS} that leave room for others")
    return tags


def without_taken(ours: Mapping[str, str], *others: Mapping[str, str]) -> dict[str, str]:
    """Our tags but for those whose keys, in whatever case, others have given a value."""
    taken = {key.lower() for tags in others for key in tags}
    return {key: value for key, value in ours.items() if key.lower() not in taken}


def _check_tag(key: Any, value: Any) -> None:
    if not isinstance(key, str) or not 0 < len(key) <= _KEY_LENGTH or not _is_of_tag_signs(key):
        raise Refused(f"the key {_shown(key)} is not 1 to {_KEY_LENGTH} {TAG_SIGNS_IN_WORDS}")
    if key.lower().startswith(("aws:", TAG_PREFIX)):
        raise Refused(f"the key {key} is not ours to set: aws: and {TAG_PREFIX} are reserved")
    if not isinstance(value, str):
        raise Refused(f"the value of {key}, {_shown(value)}, is neither text nor a number")
    if len(value) > _VALUE_LENGTH or not _is_of_tag_signs(value):
        raise Refused(f"the value of {key}, {_shown(value)}, is not up to {_VALUE_LENGTH} {TAG_SIGNS_IN_WORDS}")


def _is_of_tag_signs(text: str) -> bool:
    return all(sign in _TAG_SIGNS or unicodedata.category(sign)[0] in "LZN" for sign in text)


# ---------------------------------------------------------------------- images
# Batch API, ContainerProperties, image: up to 255 characters, handed to Docker as it is; distribution/reference is
# Docker's grammar: [registry[:port]/]path[:tag][@digest]. Without a backslash, so that JSONata takes it as it stands.
IMAGE_LENGTH: Final = 255
_PART: Final = "[a-z0-9]+(([._]|__|-+)[a-z0-9]+)*"
IMAGE_PATTERN: Final = (
    f"([A-Za-z0-9]+([.-]+[A-Za-z0-9]+)*(:[0-9]+)?[/])?{_PART}([/]{_PART})*"
    "(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[0-9a-f]{64})?"
)

# ---------------------------------------------------------------------- buckets and key prefixes
# S3 guide, bucket naming rules.
BUCKET_NAME: Final = "[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
# S3 guide, object key names: 1,024 bytes of UTF-8 in all, and objects need names, too.
PREFIX_BYTES: Final = 512
# SDK, FSx ArchivePath: none of these. S3 guide: XML 1.0 cannot list keys with control characters.
_NEVER_IN_A_PREFIX: Final = re.compile("[\u0000-\u001f\u007f-\u009f\u2028\u2029\ud800-\udfff]")


def check_prefix(value: str) -> None:
    """A key prefix that FSx links and POSIX has directories for (FSx guide: S3ObjectPathNotPosixCompliant)."""
    if sign := _NEVER_IN_A_PREFIX.search(value):
        raise Refused(f"{_shown(value)} has the sign {_shown(sign.group())}, which FSx does not take in a prefix")
    if value.startswith("/"):
        raise Refused(f"{value} begins with a slash")
    for part in value.removesuffix("/").split("/") if value else ():
        if part in ("", ".", ".."):
            raise Refused(f"{value} has {part or 'an empty name'} between slashes, which is no directory")
    if (size := len(value.encode())) > PREFIX_BYTES:
        raise Refused(f"{value[:40]}… has {size} bytes, more than the {PREFIX_BYTES} that leave room for names")


def show(value: Any) -> str:
    """A value as a message can have it, on one line: printable text as it is, anything else as JSON."""
    return value if isinstance(value, str) and value and value.isprintable() else json.dumps(value, default=str)


def compact(value: Any) -> str:
    """JSON as JSONata writes it, for what the deployment and a run say in the same words."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


def _shown(value: Any) -> str:
    text = show(value)
    return text if len(text) <= 80 else f"{text[:80]}…"
