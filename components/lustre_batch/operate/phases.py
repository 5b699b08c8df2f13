"""What a run is at, by the state that its execution is in: one table, from states to phases and their words.

A phase is of one kind: ``waiting`` for AWS or for others, ``working`` (the job), or ``draining`` (from the job's end
on). What a run costs is reckoned by these kinds, and is ``deleting`` from the call that deletes the file system until
it is gone, which FSx bills, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

WAITING: Final = "waiting"
WORKING: Final = "working"
DRAINING: Final = "draining"
DELETING: Final = "deleting"
QUEUE: Final = "queue"
JOB: Final = "job"
SESSION: Final = "session"
EXPORTING: Final = ("stop", "drain", "verify")


@dataclass(frozen=True)
class Phase:
    """One of them, with the states that belong to it."""

    name: str
    kind: str
    words: str
    states: tuple[str, ...]


def _phase(name: str, kind: str, words: str, states: str) -> Phase:
    return Phase(name, kind, words, tuple(states.split()))


RUN: Final = (
    _phase(
        "check",
        WAITING,
        "parameters and quota are checked",
        "Route NameTag IsNameTaggable GetParameters AreTheyObjects CollectParameters ReadParameters CheckParameters "
        "CheckKeys CheckTogether AreParametersValid GetQuota IsQuotaEnough",
    ),
    _phase(
        QUEUE,
        WAITING,
        "waiting for a lane and its prefix",
        "PrepareTicket TakeTicket ReadLanes MayLaneBeTaken ReadTickets IsItOurTurn TakeLane CountTickets MayWait "
        "DescribeHolder IsHolderOver CleanUpHolder WaitForTurn ReturnTicket WasTicketReturned",
    ),
    _phase(
        "create",
        WAITING,
        "the file system is created and linked",
        "RegisterJobDefinition CreateFileSystem CreateAssociation WasAssociationTooEarly MayPrepareInstances "
        "WaitForLustreCreation DescribeFileSystem IsFileSystemAvailable DescribeAssociation IsAssociationAvailable "
        "CreateLaunchTemplate ReadLaneBeforeUpdate IsLaneOurs UpdateComputeEnvironment IsFileSystemReady",
    ),
    _phase(
        "prepare",
        WAITING,
        "the compute environment takes the file system",
        "WaitForComputeEnvironment DescribeComputeEnvironment IsComputeEnvironmentValid LetJobFinish EnableJobQueue "
        "WaitForJobQueue DescribeJobQueue IsJobQueueEnabled",
    ),
    _phase(
        "import",
        WAITING,
        "what is in the bucket is imported",
        "FindImportTask IsImported WaitForImport",
    ),
    _phase(
        JOB,
        WORKING,
        "the job",
        "NoteSubmission SubmitJob WaitForJobList ListSubmittedJobs WasJobSubmitted WaitForJobCompletion DescribeJob "
        "IsJobDone FindFailedChildren AreThereMoreFailedChildren DescribeFailedChild TellWhyItFailed "
        "IsWaitingJobAnArray FindWaitingChild TellWhyItDidNotStart FindRefusedInstances CanInstancesMount "
        "WatchAssociation IsAssociationIntact",
    ),
    _phase(
        SESSION,
        WORKING,
        "the session is open for jobs of others",
        "OpenSession WaitForSession ReadSession IsSessionOver FindActiveJobs IsSessionBusy FindNewJobs IsSessionIdle "
        "MaySessionGoOn",
    ),
    _phase(
        "clean-up",
        DRAINING,
        "the clean-up",
        "CleanUp WaitForCleanUp MayStartCleanUpAgain IsAnythingLeft Reclaim WasReclaimed",
    ),
    _phase(
        "end",
        DRAINING,
        "the run says how it ended",
        "Summarise HadLane PutMetrics IsAnythingToTell Notify HasFailed Failed Succeeded",
    ),
)

CLEAN_UP: Final = (
    _phase(
        "find",
        DRAINING,
        "looking for what the run created",
        "Route DescribeReclaimedFileSystem IsReclaimedFileSystemOurs DescribeTarget MayCleanUp FindFileSystems "
        "AreThereMoreFileSystems NoteReclaim FindLaunchTemplates AreThereMoreLaunchTemplatesOfIt FindHolding "
        "IsItReallyOver FindTicket IsTicketOld HasFileSystem FindAssociation WaitForLists",
    ),
    _phase(
        "stop",
        DRAINING,
        "jobs are stopped, and the lane's instances let go",
        "HasQueue FindJobs DescribeJobs AreJobsStopped FindEarlierJobs AreEarlierJobsStopped StopJob WaitForJobsToStop "
        "NoteEndOfJobs "
        "FindJobDefinition HasJobDefinition DeregisterJobDefinition FindEnvironment NamesEnvironmentTemplate "
        "ReleaseEnvironment RemoveSession ReadLaneBeforeDisabling MayQueueBeDisabled DisableJobQueue WaitForJobQueue "
        "DescribeJobQueue IsJobQueueDisabled ReadLaneBeforeStopping MayJobsBeStopped AreThereMoreJobsToStop "
        "AreJobsInDoubt LeaveWhatJobsMayUse ReadPrefixHolders IsPrefixFree NoteReclaimAgain "
        "HoldPrefix WaitToHoldPrefix",
    ),
    _phase(
        "drain",
        DRAINING,
        "results are exported to S3",
        "IsThereAnythingToExport GiveUpExport MendAssociation WaitForMending DescribeMendedAssociation "
        "IsAssociationMended WaitForFirstDatapoint CheckMetrics IsQueueEmpty IsLaneHeld WaitForCheckMetrics "
        "DescribeQueuedAssociation IsQueueServed DescribeExportingAssociation IsAssociationExporting",
    ),
    _phase(
        "verify",
        DRAINING,
        "the export is verified",
        "FindExportLog DoesExportLogExist ReadExportErrors WereExportErrorsLogged DisableAutoExport "
        "WaitForAutoExportOff DescribeAutoExport IsAutoExportOff FindExportTasks IsExportVerified CreateExportTask "
        "WaitToAskAgain WaitForExportTask",
    ),
    _phase(
        "release",
        DRAINING,
        "instances go, and the lane is given back",
        "IsEnvironmentReleased DescribeReleasedEnvironment HasEnvironmentLetGo ReleaseEnvironmentAgain "
        "WaitForRelease ReadHolders IsAnythingHeld GiveBack WasLaneGivenBack GoOn MayGiveBackAgain WaitToGiveBack "
        "RemoveTicket",
    ),
    _phase(
        "delete",
        DRAINING,
        "what the run created is removed",
        "MayDeleteFileSystem NoteVerified ReadAssociationBeforeDeletion ReadTasksBeforeDeletion MayDeleteNow "
        "CancelImport WaitForImportToEnd DeleteFileSystem WaitForDeletion DescribeDeletedFileSystem "
        "IsFileSystemDeleted IsTemplateReleased DeleteLaunchTemplate DescribeDeletedLaunchTemplate "
        "NoteLaunchTemplate",
    ),
    _phase(
        "keep",
        DRAINING,
        "the file system is left as it is",
        "KeepFileSystem NoteKeptFileSystem MayImportGoOn StopImport LookAtFileSystem LeaveFileSystem",
    ),
    _phase(
        "sweep",
        DRAINING,
        "runs that are over are looked for",
        "SweepFileSystems AreThereMoreToSweep SweepLaunchTemplates AreThereMoreLaunchTemplates SweepJobDefinitions "
        "AreThereMoreJobDefinitions SweepLanes SweepTickets DecodeCandidates FindRunningCleanUps NextCandidate "
        "DescribeCandidate IsCandidateRunning StartCleanUp PutMetricsOfSweep Swept",
    ),
    _phase(
        "answer",
        DRAINING,
        "the clean-up answers",
        "Answer ReadFreeSpace PutMetrics IsAnythingToTell Notify CleanedUp CouldNotWork NotifyOfFailure Failed",
    ),
)

# Of a state that another version of the definitions has.
UNKNOWN: Final = Phase("other", WAITING, "a step that this version of lustre-batch does not know", ())


def of(phases: tuple[Phase, ...], state: str) -> Phase:
    """The phase that a state belongs to."""
    return next((phase for phase in phases if state in phase.states), UNKNOWN)
