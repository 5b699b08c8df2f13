"""What an account leaves on the machine: nothing. A file of its own, since no other account may be open meanwhile."""

from __future__ import annotations

from rehearsal.aws.account import Account
from rehearsal.play.scenario import load, parse
from rehearsal.play.session import Session
from rehearsal.provider.mocks import deploy


def test_no_process_of_a_job_outlives_a_play_and_no_directory_outlives_the_account() -> None:
    with Account() as account:
        session = Session(account, deploy(account).exports)
        played = session.play(parse({"job": {"start_delay": 60}, "execution": {"abort_at": 1200}}, "test"))
        assert played.first.status == "ABORTED"
        session.play(load("keep-file-system"))
        folders = [one.folder for one in account.file_systems.living()]
        assert all(folder is not None and folder.exists() for folder in folders)
    assert folders
    assert not any(folder.exists() for folder in folders if folder is not None)
