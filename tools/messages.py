"""The catalogue of notifications in full (docs/messages.md): each message of the definitions, as it would be sent.

What happened is data here; every word is the definitions' own, evaluated as the rehearsal evaluates them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from rehearsal.aws.states.expressions import Evaluator, bound, python
from tools.package import described

STACK = "autoexport-1a2b3c4"
MACHINE = f"arn:aws:states:us-east-1:123456789012:stateMachine:{STACK}"
EXECUTION = MACHINE.replace(":stateMachine:", ":execution:") + ":"
RUN = EXECUTION + "brisk-heron-4f2a91"
OTHER = EXECUTION + "amber-lynx-90c1d7"
CLEAN_UP = EXECUTION.removesuffix(":") + "-clean-up:0f343b0931126a20f133d67c2b018a3b-1768468748"
FILE_SYSTEM = "fs-0123456789abcdef0"
VALUES = {
    "EnvName": "AutoExport",
    "Partition": "aws",
    "RunMachineArn": MACHINE,
    "SweepIntervalMinutes": 60,
    "LanesTableName": f"{STACK}-lanes",
    "BucketName": "my-genomes",
}
REFUSED = {
    "type": "file-system",
    "id": FILE_SYSTEM,
    "reason": "3 files could not be exported",
}
AS_ASKED = {"type": "file-system", "id": FILE_SYSTEM, "reason": "deleteLustre is false"}
BUSY = {"type": "file-system", "id": FILE_SYSTEM, "reason": "automatic export could not be switched off"}
TEMPLATE = {
    "type": "launch-template",
    "id": "lt-0123456789abcdef0",
    "reason": "the compute environment (UPDATING: ) may still name it",
}
GONE = [
    {"type": "job-definition", "id": f"arn:aws:batch:us-east-1:123456789012:job-definition/{STACK}:7"},
    {"type": "file-system", "id": FILE_SYSTEM},
    {"type": "launch-template", "id": "lt-0123456789abcdef0"},
]


@dataclass(frozen=True)
class Message:
    """One notification: who sends it, and what it knows."""

    title: str
    state: tuple[str, str]  # definition and state
    known: dict[str, Any] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)

    def text(self) -> dict[str, str]:
        """Its subject and message.

        Raises
        ------
        QueryError
            If the definition needs to know more.
        """
        name, state = self.state
        render, read = described("templates").render, described("definition").read
        source = json.dumps({key: read(name)["States"][state]["Arguments"][key] for key in ("Subject", "Message")})
        arguments = json.loads(render(source, VALUES | self.values))
        execution = {"Id": RUN if name == "run" else CLEAN_UP, "Name": RUN.rpartition(":")[2]}
        machine = {"Id": MACHINE if name == "run" else f"{MACHINE}-clean-up"}
        states = {"context": {"Execution": execution, "StateMachine": machine}}
        known = _KNOWN[self.state] | self.known
        return {
            key: python(Evaluator().evaluate(text[2:-2], bound({"states": states, **known})))
            for key, text in arguments.items()
        }


_KNOWN: dict[tuple[str, str], dict[str, Any]] = {
    ("run", "Notify"): {
        "target": RUN,
        "failure": {},
        "cleanedUp": {"retained": [], "pending": []},
        "cleanUpError": "",
        "importWarning": "",
        "unanswered": "",
        "fileSystemId": FILE_SYSTEM,
        "left": "",
        "busy": "lane",
        "prefix": "2026-01-31/",
    },
    ("clean_up", "Notify"): {
        "target": RUN,
        "targetStatus": "ABORTED",
        "failure": {},
        "removed": GONE,
        "retained": [],
        "pending": [],
        "lasting": False,
        "noted": True,
        "dollarsADay": 11.05,
    },
    ("clean_up", "NotifyOfFailure"): {"target": RUN},
}
_UNSWEPT = {"SweepIntervalMinutes": 0}


def _failed(error: str, cause: str) -> dict[str, Any]:
    return {"failure": {"Error": error, "Cause": cause}}


def _answered(**answer: Any) -> dict[str, Any]:
    """What the clean-up answered, and what the run says of it (Summarise)."""
    lines = [
        f"{word}: {one['type']} {one['id']}: {one['reason']}"
        for word, key in (("Kept", "retained"), ("Pending", "pending"))
        for one in answer.get(key, [])
    ]
    known = {"retained": [], "pending": [], "dollarsADay": 11.05, **answer}
    return {"cleanedUp": known, "left": "\n".join(lines)}


_PENDING = "The job succeeded. Not everything could be removed yet; "
_INCOMPLETE = _failed(
    "ExportIncomplete",
    f"3 of 41 files of {FILE_SYSTEM} that were not in S3 yet could not be exported (task task-0123456789abcdef0 "
    "SUCCEEDED). They are listed in s3://my-genomes/lustre-batch-reports/task-0123456789abcdef0/failures.csv",
)
RUN_SAYS, CLEAN_UP_SAYS, IDLE = ("run", "Notify"), ("clean_up", "Notify"), ("clean_up", "NotifyOfFailure")

CATALOGUE = (
    Message(
        "A job failed",
        RUN_SAYS,
        _failed(
            "JobFailed",
            "Job 5588d0db-336f-43c5-a441-51931e545284 failed: Essential container in task exited, exit code 3. "
            "Its log: "
            "log group /aws/batch/autoexport, log stream autoexport/default/40db18edf5cd41ee9c5adee7",
        )
        | _answered(exportVerified=True),
    ),
    Message(
        "No instance could mount the file system",
        RUN_SAYS,
        _failed("InstancesCannotMount", "i-0123456789abcdef0, … shut themselves down: mount.lustre: … timed out"),
    ),
    Message(
        "A job took too long",
        RUN_SAYS,
        _failed("JobTimedOut", "The job did not end within 2880 minutes (jobTimeoutMinutes)")
        | _answered(exportVerified=True),
    ),
    Message(
        "A job did not start",
        RUN_SAYS,
        _failed("JobStartTimedOut", "No instance was there within 1440 minutes (jobStartTimeoutMinutes): …"),
    ),
    Message(
        "Jobs of a session were left at its end",
        RUN_SAYS,
        _failed("SessionTimedOut", "After 20160 minutes (sessionTimeoutMinutes) not every job of the session …"),
    ),
    Message(
        "A run was refused",
        RUN_SAYS,
        _failed("InvalidParameter", "jobDefinitionVcpus: 0 is not a whole number from 1 to 256"),
    ),
    Message(
        "A run asked for more than the account may have",
        RUN_SAYS,
        _failed(
            "QuotaTooSmall",
            "jobDefinitionVcpus: 32 exceeds the quota L-34B43A08 (All Standard Spot Instance Requests), which "
            "is 5 vCPUs",
        ),
    ),
    Message(
        "A run waited too long for a lane",
        RUN_SAYS,
        _failed(
            "LaneTimedOut",
            "This run had no turn within 10080 minutes (laneTimeoutMinutes); 3 runs that wait were started "
            "before it, and "
            f"it waited for a lane, such as that of {OTHER}",
        ),
    ),
    Message(
        "A run waited too long for its prefix",
        RUN_SAYS,
        _failed(
            "LaneTimedOut",
            "This run had no turn within 10080 minutes (laneTimeoutMinutes); 0 runs that wait were started "
            "before it, and "
            f"it waited for {OTHER}, whose results would overlap with its own (s3://my-genomes/2026-01-31/)",
        )
        | {"busy": "prefix"},
    ),
    Message(
        "A run that may not wait found no lane free",
        RUN_SAYS,
        _failed("NoFreeLane", f"No lane is free, and wait is false. One is held by {OTHER}"),
    ),
    Message(
        "A run that may not wait found its prefix held",
        RUN_SAYS,
        _failed(
            "PrefixBusy",
            f"The results of {OTHER} and those of this run (s3://my-genomes/2026-01-31/) would overlap, and "
            f"wait is false",
        )
        | {"busy": "prefix"},
    ),
    Message(
        "Files were refused: the file system is kept",
        RUN_SAYS,
        _INCOMPLETE | _answered(retained=[REFUSED]),
    ),
    Message(
        "A file system is kept as asked for",
        RUN_SAYS,
        _answered(retained=[AS_ASKED]),
    ),
    Message(
        "The clean-up goes on by itself",
        RUN_SAYS,
        _failed("CleanUpPending", _PENDING + "nothing needs to be done. It is tried again every 60 minutes.")
        | _answered(pending=[BUSY]),
    ),
    Message(
        "The clean-up waits for somebody to mend something",
        RUN_SAYS,
        _failed("CleanUpPending", _PENDING + "mend what is named. It is tried again every 60 minutes.")
        | _answered(pending=[TEMPLATE], lasting=True),
    ),
    Message(
        "The clean-up did not answer",
        RUN_SAYS,
        _failed("CleanUpPending", _PENDING + "mend the cause, unless it passes. The clean-up did not finish: …")
        | {
            "cleanedUp": {},
            "cleanUpError": "it ended FAILED",
            "left": f"Not known to be removed: file-system {FILE_SYSTEM}",
        },
    ),
    Message(
        "The clean-up has to be asked for, because nothing sweeps",
        RUN_SAYS,
        _failed("CleanUpPending", _PENDING + "the sweep is switched off (sweepIntervalMinutes).")
        | _answered(pending=[BUSY]),
        _UNSWEPT,
    ),
    Message(
        "Not everything could be imported",
        RUN_SAYS,
        {"importWarning": "The listing of s3://inputs/ could not be imported completely: …"},
    ),
    Message("A run that was stopped has been cleaned up", CLEAN_UP_SAYS),
    Message(
        "Files of a run that was stopped were refused",
        CLEAN_UP_SAYS,
        _INCOMPLETE | {"removed": GONE[:1], "retained": [REFUSED]},
    ),
    Message(
        "A run that was stopped had its file system kept, as asked for",
        CLEAN_UP_SAYS,
        {"removed": GONE[:1], "retained": [AS_ASKED]},
    ),
    Message("A clean-up goes on", CLEAN_UP_SAYS, {"removed": GONE[:1], "pending": [BUSY]}),
    Message(
        "A clean-up waits for somebody to mend something",
        CLEAN_UP_SAYS,
        {"removed": GONE[:2], "pending": [TEMPLATE], "lasting": True},
    ),
    Message(
        "A reclaim of which nobody knows has to be asked for again",
        CLEAN_UP_SAYS,
        {"removed": [], "pending": [BUSY], "noted": False},
    ),
    Message("A clean-up that nothing repeats", CLEAN_UP_SAYS, {"removed": [], "pending": [BUSY]}, _UNSWEPT),
    Message(
        "A clean-up could not work",
        IDLE,
        {"cause": "What … created could not be determined: Batch.ServerException: …"},
    ),
    Message(
        "A clean-up could not work, and nothing repeats it",
        IDLE,
        {"cause": "What … created could not be determined: Batch.ServerException: …"},
        _UNSWEPT,
    ),
)


def page() -> str:
    """docs/messages.md."""
    parts = [
        "# Notifications",
        "",
        "Every message that the stack publishes to its topic, in full: made by `make docs` from the definitions'",
        "[catalogue](../components/lustre_batch/definition/messages.yaml). The first line says what happened and",
        "whether money is running, then why, and what is left; the last thing to read is the command to type. What a",
        "file system costs a day is an estimate by list prices of us-east-1. What to do about each, and about alarms:",
        "[operations](operations.md#when-you-are-told-something).",
    ]
    for message in CATALOGUE:
        text = message.text()
        parts += ["", f"## {message.title}", "", f"**{text['Subject']}**", "", "```text", text["Message"], "```"]
    return "\n".join(parts) + "\n"
