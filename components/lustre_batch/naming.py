"""From any name to the beginning of names that AWS takes: stacks and components may be called what Pulumi allows.

Pulumi derives physical names from logical ones, which begin with the component's. This module owns how that beginning
is made, and must never make two of one: a name that AWS takes as it is stays as it is, so that nothing is replaced.
"""

import hashlib
import re
from typing import Final

# What is left of a name once AWS's limits (IAM: 64 characters, S3: 63) have taken the longest part and the suffix.
LONGEST: Final = 30
_DIGITS: Final = 7
# EC2 API, CreateSecurityGroup: a name cannot start with sg-. S3 guide, bucket naming rules: the other prefixes.
_RESERVED: Final = ("sg-", "sthree-", "amzn-s3-demo-")
# Pulumi docs, stacks: names.
_STACK: Final = re.compile(r"[A-Za-z0-9_.-]{1,100}")
STACK_NAME: Final = "the name of a stack: letters, digits, hyphens, underscores and periods"


def is_stack_name(name: str) -> bool:
    """Whether Pulumi takes it for a stack's; `STACK_NAME` is the rule in words."""
    return _STACK.fullmatch(name) is not None


def physical_name(name: str) -> str:
    """At most 30 lower-case letters, digits and single hyphens, which every service takes (ECR and S3 the fewest).

    What is too long, or has no letter or digit at all, gets digits of its own; the engine tells the rest apart.
    """
    stem = re.sub("[^a-z0-9]+", "-", name.lower()).strip("-")
    if stem.startswith(_RESERVED):
        stem = f"n-{stem}"
    if stem and len(stem) <= LONGEST:
        return stem
    digest = hashlib.sha256(name.encode()).hexdigest()[:_DIGITS]
    return f"{stem[: LONGEST - _DIGITS - 1].rstrip('-') or 'n'}-{digest}"
