"""What a run's file system is linked to: which prefix of the bucket holds the results, and how long a prefix may get.

The state machine links and refuses the same (definition/run.asl.yaml, CheckTogether). A prefix that FSx is given ends
with a slash or is empty (FSx guide, linking).
"""

from .rules import PREFIX_BYTES


def as_folder(prefix: str) -> str:
    """A prefix as FSx takes it for a directory."""
    return f"{prefix.removesuffix('/')}/" if prefix else ""


def results_prefix(bucket_prefix: str, key_prefix: str) -> str:
    """Where in the bucket the results of a run are."""
    return as_folder(bucket_prefix) + as_folder(key_prefix)


def prefix_too_long(bucket_prefix: str, key_prefix: str) -> str | None:
    """What is said of a prefix that leaves no room for names (S3 guide, object key names: 1,024 bytes in all)."""
    size = len(results_prefix(bucket_prefix, key_prefix).removesuffix("/").encode())
    if not key_prefix or size <= PREFIX_BYTES:
        return None
    return f"keyPrefix: {size} bytes with bucketPrefix are more than the {PREFIX_BYTES} that leave room for names"
