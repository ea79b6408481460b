"""The journal: nothing written is lost, nothing half written is read, and one process owns it."""

from __future__ import annotations

import fcntl
import json
import os
import resource
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from culturesim import journal as journal_module
from culturesim.errors import StoreBusyError, StoreError, StoreVersionError
from culturesim.journal import Entry, Journal, mend, prompt_row, read_segment, segments, utc
from tests.asked import ANNA, NOBODY, answer, completion, prompt, tell, trial

HERE = Path(__file__).parent


class Shelf:
    """Where a journal can move to: keeps what it is given, unless it is busy."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.busy = False

    def take_in(self, run: str, segment: Path, wait: float) -> int:
        if self.busy:
            raise StoreBusyError("held")
        new = list(read_segment(segment))
        self.entries += new
        return len(new)

    def seeds(self) -> list[int]:
        return [entry["trials"]["seed"] for entry in self.entries]


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def opened(tmp_path: Path, shelf: Shelf) -> Callable[..., Journal]:
    return lambda run="r1": Journal(tmp_path / "d", run, shelf.take_in)


def test_what_is_appended_is_moved_once(opened: Callable[..., Journal], shelf: Shelf) -> None:
    with opened() as journal:
        for number in range(3):
            tell(journal, trial(number), 1)
        assert journal.move() == 3
        assert journal.move() == 0
        tell(journal, trial(3), 1)
    assert shelf.seeds() == [0, 1, 2, 3]


def test_a_finished_journal_leaves_no_file(opened: Callable[..., Journal], tmp_path: Path) -> None:
    with opened() as journal:
        tell(journal, trial(), 1)
    assert list((tmp_path / "d").iterdir()) == []


def test_a_line_is_on_its_way_to_disk_before_append_returns(opened: Callable[..., Journal], tmp_path: Path) -> None:
    with opened() as journal:
        tell(journal, trial(7), 1)
        ((run, path),) = segments(tmp_path / "d")
        (entry,) = read_segment(path)
        assert (run, entry["trials"]["seed"]) == ("r1", 7)
        journal.sync()


def test_lines_are_put_on_the_disk_itself(
    opened: Callable[..., Journal], shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders: list[bool] = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: folders.append(stat.S_ISDIR(os.fstat(descriptor).st_mode)))
    monkeypatch.setattr(journal_module, "SYNC_SECONDS", 1e9)
    shelf.busy = True
    journal = opened()
    tell(journal, trial(1), 1)
    assert folders == [True]  # the name of the new segment
    journal.sync()
    journal.sync()
    assert folders == [True, False]
    monkeypatch.setattr(journal_module, "SYNC_SECONDS", 0.0)
    tell(journal, trial(2), 1)
    assert folders == [True, False, False]
    monkeypatch.setattr(journal_module, "SYNC_SECONDS", 1e9)
    journal.move()
    tell(journal, trial(3), 1)
    journal.close()
    assert folders == [True, False, False, True, False]


def test_a_busy_store_delays_the_move_and_nothing_else(opened: Callable[..., Journal], shelf: Shelf) -> None:
    journal = opened()
    shelf.busy = True
    for number in range(5):
        tell(journal, trial(number), 1)
        assert journal.move() == 0
    shelf.busy = False
    assert journal.move() == 5
    assert shelf.seeds() == [0, 1, 2, 3, 4]
    journal.close()


def test_segments_do_not_pile_up_while_the_store_is_busy(
    opened: Callable[..., Journal], shelf: Shelf, tmp_path: Path
) -> None:
    shelf.busy = True
    with opened() as journal:
        for number in range(20):
            tell(journal, trial(number), 1)
            journal.move()
        assert len(segments(tmp_path / "d")) == 2


def test_what_a_busy_store_did_not_take_is_found_by_the_next_owner(
    opened: Callable[..., Journal], shelf: Shelf
) -> None:
    shelf.busy = True
    with opened() as journal:
        tell(journal, trial(1), 1)
    shelf.busy = False
    with opened() as journal:
        tell(journal, trial(2), 1)
        assert journal.move() == 2
    assert shelf.seeds() == [1, 2]


def test_a_large_backlog_is_cut_into_segments(
    opened: Callable[..., Journal], shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "SEGMENT_BYTES", 4000)
    with opened() as journal:
        for number in range(40):
            tell(journal, trial(number), 1)
        assert len(segments(tmp_path / "d")) > 3
        assert journal.move() == 40
    assert shelf.seeds() == list(range(40))


def test_prompts_and_personas_are_written_once_per_segment(opened: Callable[..., Journal], shelf: Shelf) -> None:
    with opened() as journal:
        for repeat in range(2):
            asked = trial(repeat, seed=5)
            tell(journal, asked, 1, persona=ANNA)
        journal.move()
        tell(journal, trial(2, seed=5), 1, persona=ANNA)
    assert ["prompts" in entry for entry in shelf.entries] == [True, False, True]
    assert ["personas" in entry for entry in shelf.entries] == [True, False, True]


def test_a_torn_last_line_is_not_read(tmp_path: Path, opened: Callable[..., Journal], shelf: Shelf) -> None:
    shelf.busy = True
    with opened() as journal:
        tell(journal, trial(1), 1)
        tell(journal, trial(2), 1)
    ((_, path),) = segments(tmp_path / "d")
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        left = max(0, whole[:length].count(b"\n") - 1)
        assert len(list(read_segment(path))) == left
        assert mend(path) == left
        assert path.read_bytes() == whole[: whole.rfind(b"\n", 0, length) + 1]


@pytest.mark.parametrize("line", ["", "[]", '{"trials":{}}', "nan"])
def test_a_line_that_holds_no_completion_is_damaged(tmp_path: Path, line: str) -> None:
    path = tmp_path / "r1.000001.jsonl"
    path.write_text(f'{{"journal":{{"format":1}}}}\n{line}\n')
    with pytest.raises(StoreError, match=r"line 2 is damaged"):
        list(read_segment(path))


def test_a_damaged_line_within_is_loud(tmp_path: Path, opened: Callable[..., Journal], shelf: Shelf) -> None:
    shelf.busy = True
    with opened() as journal:
        tell(journal, trial(1), 1)
    ((_, path),) = segments(tmp_path / "d")
    path.write_bytes(path.read_bytes() + b'{"trials": \n{}\n')
    with pytest.raises(StoreError, match=r"r1\.000001\.jsonl: line 3 is damaged"):
        list(read_segment(path))


def test_a_journal_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "r1.000001.jsonl"
    path.write_text(json.dumps({"journal": {"format": 99}}) + "\n{}\n")
    with pytest.raises(StoreVersionError, match="newer culturesim"):
        list(read_segment(path))


def test_a_run_has_one_owner(opened: Callable[..., Journal]) -> None:
    with opened(), pytest.raises(StoreBusyError, match="run r1 is under way in another process"):
        opened()
    with opened("r2"), opened("r1"):
        pass


def test_a_lock_on_a_file_deleted_meanwhile_is_none(
    tmp_path: Path, opened: Callable[..., Journal], shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    flock = fcntl.flock

    def late(descriptor: int, how: int) -> None:
        monkeypatch.setattr(fcntl, "flock", flock)
        (tmp_path / "d" / "r1.lock").unlink()  # as its last owner does when it closes
        flock(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", late)
    with Journal(tmp_path / "d", "r1", shelf.take_in, wait=60), pytest.raises(StoreBusyError):
        opened()


def test_the_owner_may_be_another_process(tmp_path: Path, opened: Callable[..., Journal]) -> None:
    with appending(tmp_path) as process:
        with pytest.raises(StoreBusyError, match=r"r1\.lock"):
            opened()
        process.kill()
        process.wait()
    opened().close()


def test_a_run_id_that_is_no_file_name_is_refused(opened: Callable[..., Journal]) -> None:
    with pytest.raises(StoreError, match=r"'../r1' cannot name a file"):
        opened("../r1")


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, shelf: Shelf) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match=r"file/d.*--db"):
        Journal(tmp_path / "file" / "d", "r1", shelf.take_in)


def test_no_descriptor_stays_open(opened: Callable[..., Journal]) -> None:
    before = len(os.listdir("/dev/fd"))
    with opened() as journal:
        for number in range(3):
            tell(journal, trial(number), 1)
            journal.move()
        with pytest.raises(StoreBusyError):
            opened()
    tell(reopened := opened(), trial(3), 1)
    reopened.close()
    assert len(os.listdir("/dev/fd")) == before


def test_a_closed_journal_takes_nothing(opened: Callable[..., Journal]) -> None:
    journal = opened()
    journal.close()
    journal.close()
    with pytest.raises(ValueError, match="closed"):
        tell(journal, trial(), 1)


def test_a_closed_journal_moves_nothing(opened: Callable[..., Journal], shelf: Shelf) -> None:
    shelf.busy = True
    journal = opened()
    tell(journal, trial(), 1)
    journal.close()
    shelf.busy = False
    with opened() as owner:
        assert (journal.move(), owner.move()) == (0, 1)


def test_half_an_emoji_is_replaced(opened: Callable[..., Journal], shelf: Shelf) -> None:
    asked = trial()
    with opened() as journal:
        journal.append(asked, prompt(asked), NOBODY, completion(asked, "a\ud83d\n🙂\0"), answer(asked))
    assert shelf.entries[0]["completions"]["text"] == "a�\n🙂\0"


def test_infinite_log_probabilities_survive(opened: Callable[..., Journal], shelf: Shelf) -> None:
    asked = trial()
    with opened() as journal:
        done = completion(asked, option_logprobs=(0.0, float("-inf")), token_logprobs=((("a", -0.5),), ()))
        journal.append(asked, prompt(asked), NOBODY, done, answer(asked, 1))
    row = shelf.entries[0]["completions"]
    assert row["option_logprobs"] == [0.0, "-inf"]  # JSON knows no infinity
    assert row["token_logprobs"] == [[{"token": "a", "logprob": -0.5}], []]


@pytest.mark.parametrize("wrong", [{"id": "short"}, {"id": "G" * 32}, {"seed": -1}, {"seed": 2**64}])
def test_a_trial_no_table_can_hold_is_refused_at_once(opened: Callable[..., Journal], wrong: dict[str, object]) -> None:
    with opened() as journal, pytest.raises(ValueError, match="32 hexadecimal digits"):
        tell(journal, trial(**wrong), 1)


def test_the_ids_of_prompts_never_change() -> None:
    asked = replace(prompt(trial(1), picks=2), system='أنت \u2028 "كريم"', ordered=True)
    assert prompt_row(asked)["id"] == "5cb600ca7bec9c36fdec342f065b2975"
    assert list(prompt_row(asked)) == ["id", "system", "user", "options", "min_picks", "max_picks", "ordered"]


def test_prompts_are_known_by_content() -> None:
    same, other = prompt_row(prompt(trial(1, repeat=1))), prompt_row(prompt(trial(1, option_order="reversed")))
    assert prompt_row(prompt(trial(1)))["id"] == same["id"] != other["id"]


@pytest.mark.parametrize("moment", ["2026-03-01T12:30:00+02:00", "2026-03-01T10:30:00Z", "2026-03-01 10:30:00"])
def test_times_are_kept_in_utc(moment: str) -> None:
    assert utc(moment) == "2026-03-01 10:30:00.000000"


def test_a_time_without_a_zone_is_utc_wherever_one_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert utc("2026-03-01 10:30:00") == "2026-03-01 10:30:00.000000"
    finally:
        monkeypatch.undo()
        time.tzset()


# Other processes ------------------------------------------------------------------------------------------------------

APPENDING = """
import sys
from pathlib import Path
from tests.asked import tell, trial
from culturesim.errors import StoreBusyError
from culturesim.journal import Journal
def take_in(run, segment, wait): raise StoreBusyError("held")
journal, number = Journal(Path(sys.argv[1]), "r1", take_in), int(sys.argv[2])
while True:
    tell(journal, trial(number), 1)
    number += 1
    print(number, flush=True)
"""


def appending(folder: Path, first: int = 0) -> subprocess.Popen[str]:
    """A process that appends to the journal of r1 and says after each how many there are."""
    path = str(HERE.parent)
    process = subprocess.Popen(
        [sys.executable, "-c", APPENDING, str(folder / "d"), str(first)],
        stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": path},
    )  # fmt: skip
    assert process.stdout
    process.stdout.readline()
    return process


def test_kill_loses_nothing_that_was_appended(tmp_path: Path, opened: Callable[..., Journal], shelf: Shelf) -> None:
    said = 0
    for _ in range(3):
        with appending(tmp_path, said) as process:
            for _ in range(20):
                said = int(process.stdout.readline())
            process.send_signal(signal.SIGKILL)
            said = int([str(said), *process.stdout.read().splitlines()][-1])
    with opened() as journal:
        journal.move()
    assert set(range(said)) <= set(shelf.seeds())
    assert len(shelf.seeds()) <= said + 3  # one per kill may have been written and not yet told


def limited(command: str, size: int) -> subprocess.CompletedProcess[str]:
    """Run Python where no file can grow beyond ``size`` bytes, as on a full disk."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    path = str(HERE.parent)
    return subprocess.run(
        [sys.executable, "-c", command], capture_output=True, text=True, check=False, preexec_fn=limit,
        env=os.environ | {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip


def test_what_follows_a_torn_line_is_kept_apart(tmp_path: Path, opened: Callable[..., Journal], shelf: Shelf) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with opened() as journal:
        tell(journal, trial(1), 1)
        ((_, path),) = segments(tmp_path / "d")
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 100, hard))
        try:
            with pytest.raises(StoreError, match="make room"):
                tell(journal, trial(2), 1)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        tell(journal, trial(3), 1)
    assert shelf.seeds() == [1, 3]


def test_a_full_disk_is_loud_and_what_was_written_is_kept(
    tmp_path: Path, opened: Callable[..., Journal], shelf: Shelf
) -> None:
    done = limited(APPENDING.replace("sys.argv[1]", repr(str(tmp_path / "d"))).replace("sys.argv[2]", "0"), 20_000)
    assert "StoreError: cannot write the journal in" in done.stderr
    assert "culturesim resume r1" in done.stderr
    with opened() as journal:
        journal.move()
    assert shelf.seeds() == list(range(int(done.stdout.split()[-1])))
