"""What is in the bucket before a run: listed on the file system, seen by a real job, exported again only if changed,
and no reason for a link to fail unless it really clashes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rehearsal.aws.batch import work
from rehearsal.play.measures import bound_start_seconds
from rehearsal.play.scenario import ScenarioError, parse
from rehearsal.play.session import Session
from rehearsal.play.stage import staged
from rehearsal.play.verdict import Verdict, judge

BUCKET = "somebodys-results"
FILES = {
    "in/kept.txt": "as it was", "in/deep/replaced.txt": "old", "in/removed.txt": "to go", "in/renamed.txt": "moves",
}  # fmt: skip


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    with staged({"bucketName": BUCKET, "bucketPrefix": "runs/", "inputBuckets": ["genomes"]}) as stage:
        yield stage.session


def play(session: Session, **keys: Any) -> Verdict:
    return judge(session, session.play(parse(keys, "test")))


def test_the_least_time_before_a_job_has_the_import_of_a_large_listing_in_it(session: Session) -> None:
    least = []
    for count in (0, 1_100_000):
        objects = [{"prefix": "runs/in/", "count": count, "bytes_each": 1}] if count else []
        verdict = play(session, bucket={"objects": objects})
        assert verdict.why_not == []
        least.append(bound_start_seconds(session.account))
        assert verdict.facts["job_started_at"] >= least[-1]
    assert least[1] - least[0] == pytest.approx(1000, abs=10)  # 1,100 a second


def held(session: Session, bucket: str = BUCKET) -> dict[str, bytes]:
    buckets = session.account.buckets
    return {key: buckets.read(bucket, key) or b"" for key in buckets.keys(bucket, "")}


def script(monkeypatch: pytest.MonkeyPatch, folder: Path, text: str) -> None:
    path = folder / "job.sh"
    path.write_text(f"set -e\n{text}\n")
    monkeypatch.setattr(work, "SAMPLE_JOB", path)


def test_a_real_job_finds_the_inputs_and_only_what_it_changes_is_exported(
    session: Session, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script(
        monkeypatch,
        tmp_path,
        """cd "$SCRATCH_DIR"; test ! -e ../outside.txt; grep -q 'as it was' in/kept.txt
        sleep 30; echo new > in/deep/replaced.txt; rm in/removed.txt; mv in/renamed.txt in/moved.txt; sleep 30""",
    )
    files = {f"runs/{key}": text for key, text in FILES.items()} | {"outside.txt": "of nobody's concern"}
    verdict = play(session, bucket={"files": files})
    assert verdict.why_not == []
    assert held(session) == {
        "outside.txt": b"of nobody's concern",
        "runs/in/kept.txt": b"as it was",
        "runs/in/deep/replaced.txt": b"new\n",
        "runs/in/moved.txt": b"moves",
    }
    assert verdict.facts["exported_files"] == 2


def test_a_run_with_a_prefix_of_its_own_sees_and_writes_what_is_below_it_alone(
    session: Session, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script(monkeypatch, tmp_path, 'cd "$SCRATCH_DIR"; cat a.txt > b.txt; test $(ls | wc -l) = 2; sleep 30')
    files = {"runs/today/a.txt": "a", "runs/yesterday/a.txt": "old", "today/a.txt": "of nobody's concern"}
    notified = [{"prefix": "runs/yesterday/"}]  # overlaps with bucketPrefix, and not with the run's own
    verdict = play(session, bucket={"files": files, "notifications": notified}, input={"keyPrefix": "today"})
    assert verdict.why_not == []
    assert held(session) == {key: text.encode() for key, text in files.items()} | {"runs/today/b.txt": b"a"}


def test_a_report_of_what_could_not_be_exported_is_beside_the_results_of_its_run(session: Session) -> None:
    verdict = play(session, export={"refused": 3}, job={"runtime": 60}, input={"keyPrefix": "today/"}, expect="FAILED")
    assert verdict.why_not == []
    (report,) = [key for key in held(session) if key.endswith("/failures.csv")]
    assert report.startswith("runs/today/lustre-batch-reports/task-")
    assert f"s3://{BUCKET}/{report}" in verdict.facts["cause"]


@pytest.mark.parametrize("queued", [False, True])
def test_inputs_are_read_under_input_and_stay_as_they_are(
    session: Session, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, queued: bool
) -> None:
    script(
        monkeypatch, tmp_path, 'cat "$INPUT_DIR/reference/a.txt" "$INPUT_DIR/genomes/hg38/b.txt" > "$SCRATCH_DIR/c.txt"'
    )
    files = {"reference/a.txt": "a", "runs/today/d.txt": "d"}
    others = {"hg38/b.txt": "b", "hg19/b.txt": "old"}
    verdict = play(
        session,
        bucket={"files": files, "notifications": [{"prefix": "reference/"}]},
        buckets=[{"name": "genomes", "files": others}],
        association={"queued": queued},
        input={"keyPrefix": "today", "inputPrefixes": ["reference/", "s3://genomes/hg38"]},
    )
    assert verdict.why_not == []
    assert held(session) == {key: text.encode() for key, text in (files | {"runs/today/c.txt": "ab"}).items()}
    assert held(session, "genomes") == {key: text.encode() for key, text in others.items()}
    assert verdict.facts["exported_files"] == 1
    assert session.account.buckets.notified(BUCKET, {"ObjectCreated"}) == ["reference/"]
    links = session.account.associations.all
    assert [link.path for link in links] == ["/scratch", "/input/reference", "/input/genomes/hg38"]
    # A refusal by FSx for each link that has to wait, if it does not queue them.
    asked = verdict.facts["api_calls"]["fsx:CreateDataRepositoryAssociation"]
    assert asked == 3 if queued else asked > 3


def test_seven_inputs_take_about_a_minute_each(session: Session) -> None:
    given = {"inputPrefixes": [f"in/{number}" for number in range(7)]}
    began = [
        play(session, input=each, job={"runtime": 60}, association={"queued": True}).facts["job_started_at"]
        for each in ({}, given)
    ]
    assert 6 * 60 < began[1] - began[0] < 8 * 60


@pytest.mark.parametrize("go_on", [False, True])
def test_inputs_that_cannot_be_imported_fail_the_run_unless_it_is_to_go_on(session: Session, go_on: bool) -> None:
    verdict = play(
        session,
        input={"inputPrefixes": ["reference"], "continueAfterImportFailure": go_on},
        association={"import_fails": True},
        job={"runtime": 60},
        expect="SUCCEEDED" if go_on else "FAILED",
    )
    assert verdict.why_not == []
    said = verdict.facts["messages"][-1]["message"] if go_on else verdict.facts["cause"]
    assert "could not be imported" in said
    assert (f"s3://{BUCKET}/reference/" in said) == go_on, "the first that fails is named, or all"


def test_an_input_whose_bucket_is_gone_fails_the_run_by_name(session: Session) -> None:
    held_before = session.account.buckets.find("genomes")
    del session.account.buckets._s3.buckets["genomes"]
    try:
        verdict = play(
            session, input={"inputPrefixes": ["s3://genomes/a"]}, expect="FAILED", expect_error="AssociationFailed"
        )
    finally:
        session.account.buckets._s3.buckets["genomes"] = held_before
    assert verdict.why_not == []
    assert "became MISCONFIGURED instead of AVAILABLE: The bucket genomes does not exist" in verdict.facts["cause"]


def test_a_bucket_that_the_stack_does_not_name_cannot_be_filled(session: Session) -> None:
    with pytest.raises(ScenarioError, match="buckets: nobodys: the stack names no such bucket"):
        play(session, buckets=[{"name": "nobodys"}])


def test_without_automatic_export_what_was_removed_stays_in_the_bucket(
    session: Session, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script(monkeypatch, tmp_path, 'sleep 30; cd "$SCRATCH_DIR"; echo new > a.txt; rm b.txt; sleep 30')
    files = {"runs/a.txt": "a", "runs/b.txt": "b", "runs/c.txt": "c"}
    verdict = play(session, bucket={"files": files}, input={"autoExport": False})
    assert verdict.why_not == []
    assert held(session) == {"runs/a.txt": b"new\n", "runs/b.txt": b"b", "runs/c.txt": b"c"}
    assert verdict.facts["exported_files"] == 1


def test_what_a_job_leaves_as_it_was_is_neither_exported_nor_lost_nor_stale(session: Session) -> None:
    objects = [{"prefix": "runs/frames/", "count": 3000}, {"prefix": "runs/old/", "storage_class": "GLACIER"}]
    verdict = play(session, bucket={"files": {"runs/a.txt": "a"}, "objects": objects}, job={"writes": [{"files": 2}]})
    assert verdict.why_not == []
    assert (verdict.facts["exported_files"], verdict.facts["lost_files"], verdict.facts["stale_objects"]) == (2, 0, 0)
    (link,) = session.account.associations.all
    assert sum(group.count for group in link.content.groups.values() if group.imported) == 3002


def test_an_input_that_a_job_changes_and_nobody_exports_is_lost(
    session: Session, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script(monkeypatch, tmp_path, 'sleep 10; echo new > "$SCRATCH_DIR/a.txt"; sleep 600')
    plan = {"file_system": {"deleted_by_others_at": 600}, "export": {"stalls": [{"at": 0, "for": 4000}]}}
    verdict = play(session, bucket={"files": {"runs/a.txt": "a"}}, expect="FAILED", **plan)
    assert verdict.facts["lost_files"] == 1


def test_the_listing_takes_as_long_as_there_are_objects_below_the_linked_prefix(session: Session) -> None:
    def started_at(*objects: dict[str, Any], **association: Any) -> float:
        verdict = play(session, bucket={"objects": list(objects)}, job={"runtime": 60}, association=association)
        assert verdict.why_not == []
        return float(verdict.facts["job_started_at"])

    without = started_at()
    assert started_at({"prefix": "elsewhere/", "count": 4_000_000}) == without
    assert started_at({"prefix": "runs/", "count": 4_000_000}) - without > 3600, "aws-parallelcluster #4211"
    assert started_at({"prefix": "runs/", "count": 4_000_000}, **{"import": 60}) == without, "unless it is said"


@pytest.mark.parametrize(
    ("bucket", "clashes"),
    [
        ({"notifications": [{"prefix": ""}]}, True),
        ({"notifications": [{"prefix": "ru"}]}, True),
        ({"notifications": [{"prefix": "runs/deep/"}]}, True),
        (
            {"notifications": [{"prefix": "incoming/"}, {"prefix": "runs/", "events": ["s3:ObjectRemoved:Delete"]}]},
            True,
        ),
        ({"notifications": [{"prefix": "incoming/"}]}, False),
        ({"notifications": [{"prefix": "", "events": ["s3:ObjectRestore:Completed"]}]}, False),
        ({"event_bridge": True}, False),
        ({}, False),
    ],
)
def test_only_a_notification_that_overlaps_clashes(session: Session, bucket: dict[str, Any], clashes: bool) -> None:
    verdict = play(session, bucket=bucket, job={"runtime": 60}, expect="FAILED" if clashes else "SUCCEEDED")
    assert verdict.why_not == []
    if clashes:
        assert "event notification configuration that overlaps" in verdict.facts["cause"]


@pytest.mark.parametrize(
    ("bucket", "words"),
    [
        ({"files": {"/a": "x"}}, "'/a' cannot be the path of a file"),
        ({"files": {"a/../b": "x"}}, "cannot be the path of a file"),
        ({"files": {"a": "x", "a/b": "y"}}, "'a' cannot be a file and a directory"),
        ({"notifications": [{"events": ["ObjectCreated"]}]}, "events"),
        ({"objects": [{"storage_class": "ICE"}]}, "storage_class"),
        ({"objects": [{"count": -1}]}, "count"),
    ],
)
def test_a_bucket_that_cannot_be_is_refused(bucket: dict[str, Any], words: str) -> None:
    with pytest.raises(ScenarioError, match=words):
        parse({"bucket": bucket}, "test")


def test_what_one_play_put_into_the_bucket_is_not_there_in_the_next(session: Session) -> None:
    play(session, bucket={"files": {"runs/a.txt": "a"}, "notifications": [{"prefix": "x/"}]}, job={"runtime": 60})
    play(session, job={"runtime": 60})
    assert "runs/a.txt" not in held(session)
    assert session.account.buckets.notified(BUCKET, {"ObjectCreated"}) == []
