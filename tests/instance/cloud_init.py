"""Consumes a file of user data as cloud-init does at boot: its processor takes the MIME message apart, and its handlers
are given the parts. Run by the tests with the distribution's cloud-init on the path (make cloud-init); nothing of the
machine that it runs on is touched."""

from __future__ import annotations

import logging
import sys
from pathlib import Path


def consume(user_data: bytes, directory: Path) -> None:
    from cloudinit import helpers, sources, stages

    class Instance(sources.DataSource):  # type: ignore[misc] # the package has no types
        dsname = "Ec2"

        def get_instance_id(self) -> str:
            return "i-0123456789abcdef0"

    init = stages.Init()
    init._cfg = {"system_info": {"distro": "amazon"}}
    paths = helpers.Paths({"cloud_dir": str(directory / "cloud"), "run_dir": str(directory / "run")})
    init._paths = paths
    instance = Instance({}, init.distro, paths)
    instance.userdata_raw = user_data
    init.datasource = paths.datasource = instance
    init._consume_userdata("always")


if __name__ == "__main__":
    from cloudinit import log

    log.setupBasicLogging(logging.WARNING)
    consume(Path(sys.argv[1]).read_bytes(), Path(sys.argv[2]))
