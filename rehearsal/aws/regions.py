"""Where an embedded account can be. Owns the answer for a region's name; what AWS has where is read from botocore."""

from __future__ import annotations

import difflib

import boto3

# moto knows no Availability Zones in the others, and nobody outside of them can see their documentation. Where AWS
# has no scratch file systems, the stack program says so itself.
PARTITIONS = ("aws", "aws-cn", "aws-us-gov")


def problem(region: str) -> str | None:
    """Why no account can be opened in that region, or None."""
    session = boto3.session.Session()
    known = {name: there for there in PARTITIONS for name in session.get_available_regions("ec2", there)}
    if region not in known:
        likely = difflib.get_close_matches(region, known, n=1)
        return f"{region} is no region that the rehearsal knows" + (f"; did you mean {likely[0]}?" if likely else "")
    if region not in session.get_available_regions("fsx", known[region]):
        return f"there is no Amazon FSx in {region}"
    return None
