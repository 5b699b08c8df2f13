"""What a run's file system is linked to: the results' prefix at /scratch, and inputs below /input, and which of them do
not go together.

An input is at /input/ and its own text, without s3://: what overlaps as text is refused, so that no two are in one
place. The state machine links and refuses the same (definition/run.asl.yaml, CheckTogether). A prefix that FSx is given
ends with a slash or is empty (FSx guide, linking).
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from .rules import PREFIX_BYTES, compact

S3 = "s3://"


class Link(NamedTuple):
    """A path on the file system and where in S3 it is linked to; both end with a slash."""

    path: str
    repository: str


def as_folder(prefix: str) -> str:
    """A prefix as FSx takes it for a directory."""
    return f"{prefix.removesuffix('/')}/" if prefix else ""


def problems(
    bucket: str, bucket_prefix: str, key_prefix: str, inputs: Sequence[str], input_buckets: Sequence[str]
) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield what cannot be linked: the keys that it is about, and a line."""
    results = as_folder(bucket_prefix) + as_folder(key_prefix)
    size = len(results.removesuffix("/").encode())
    # S3 guide, object key names: 1,024 bytes in all.
    if key_prefix and size > PREFIX_BYTES:
        yield (
            ("keyPrefix", "bucketPrefix"),
            f"keyPrefix: {size} bytes with bucketPrefix are more than the {PREFIX_BYTES} that leave room for names",
        )
    strange = [each for each in inputs if (name := _bucket_of(each)) and name not in input_buckets]
    if strange:
        yield (
            ("inputPrefixes", "inputBuckets"),
            f"inputPrefixes: {strange[0]} is in none of the buckets that may be linked besides that of the "
            f"stack (inputBuckets {compact(list(input_buckets))})",
        )
    if bucket and bucket in input_buckets:
        yield (
            ("inputBuckets", "bucketName"),
            f"inputBuckets: {bucket} is the stack's own bucket (bucketName), whose prefixes are named without s3://",
        )
    links = [Link("/scratch/", f"{S3}{bucket}/{results}"), *(_input(bucket, each) for each in inputs)]
    said = [f"the results, which are linked to {results or 'the whole bucket'} (bucketPrefix, keyPrefix)", *inputs]
    for number, link in enumerate(links):
        other = next((place for place in range(number) if _overlap(link, links[place])), None)
        if other is not None:
            yield (
                ("inputPrefixes", "keyPrefix", "bucketPrefix"),
                f"inputPrefixes: {said[number]} overlaps {said[other]}; no two links of a file system may",
            )
            return


def _bucket_of(entry: str) -> str:
    """The bucket that an input names; empty for the stack's own."""
    return entry.removeprefix(S3).partition("/")[0] if entry.startswith(S3) else ""


def _input(bucket: str, entry: str) -> Link:
    named = as_folder(entry.removeprefix(S3))
    return Link(f"/input/{named}", S3 + named if entry.startswith(S3) else f"{S3}{bucket}/{named}")


def _overlap(one: Link, other: Link) -> bool:
    """FSx guide, linking: neither the paths nor the data repository paths of two associations may."""
    return any(mine.startswith(its) or its.startswith(mine) for mine, its in zip(one, other, strict=True))
