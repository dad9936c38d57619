"""The benchmark's public book format: a small file and its reports, calculated by hand."""

import hashlib
import struct
from pathlib import Path

import pytest

from benchmarks.public_book import GRID, Message, OurEngine, canonical, read_messages
from benchmarks.rows.publicbook import measure
from predmarket.engine.steps import STEP

FAR = 100 + 2 * GRID
"""A price two markets above 100."""

# type (new, cancel, modify), side (buy, sell), IOC, quantity, sequence number, id, price
MESSAGES: list[Message] = [
    (0, 0, 0, 10, 0, 1, 100),
    (0, 0, 0, 5, 1, 2, 100),
    (0, 1, 1, 12, 2, 3, 100),  # fills order 1 and two contracts of order 2
    (2, 0, 0, 9, 3, 2, 101),  # the remainder of order 2, at a better price
    (0, 0, 0, 4, 4, 4, 101),
    (0, 1, 1, 20, 5, 5, 101),  # IOC: fills order 2, then order 4; its last seven end
    (1, 0, 0, 5, 6, 2, 101),  # the order is filled already
    (2, 0, 0, 5, 7, 9, 101),  # an unknown order
    (0, 1, 0, 3, 8, 6, FAR),
    (0, 1, 0, 2, 9, 7, FAR - GRID),
    (0, 0, 0, 1, 10, 8, FAR - 1),  # the best ask is below its own price
    (2, 1, 0, 3, 11, 6, FAR - 1),  # a sell, repriced; no bid is left
    (0, 0, 0, 9, 12, 10, FAR),  # fills one contract of order 7, then all of order 6; five rest
    (1, 0, 0, 9, 13, 10, FAR),
    (1, 0, 0, 9, 14, 10, FAR),
]
REPORTS = f"""\
0,0,0,1,100,10
0,1,0,2,100,5
0,2,1,3,100,12
1,2,100,10,1,3
1,2,100,2,2,3
3,3,0,2,101,9
0,4,0,4,101,4
0,5,1,5,101,20
1,5,101,9,2,5
1,5,101,4,4,5
2,5,1,5,101
4,6,2
5,7,9
0,8,1,6,{FAR},3
0,9,1,7,{FAR - GRID},2
0,10,0,8,{FAR - 1},1
1,10,{FAR - GRID},1,7,8
3,11,1,6,{FAR - 1},3
0,12,0,10,{FAR},9
1,12,{FAR - GRID},1,7,10
1,12,{FAR - 1},3,6,10
2,13,0,10,{FAR}
4,14,10"""


def _written(path: Path) -> Path:
    records = [
        struct.pack("<BBBBIQQqq", kind, side, ioc, 0, qty, seq, id, price, 0)
        for kind, side, ioc, qty, seq, id, price in MESSAGES
    ]
    head = struct.pack("<QII", 0x4D4542575F303031, 1, len(records))
    path.write_bytes(head + b"".join(records))
    return path


def test_reports_are_those_worked_out_by_hand(tmp_path: Path) -> None:
    """The reports equal those calculated by hand: new, IOC, cancel, modify and both refusals."""
    messages = read_messages(_written(tmp_path / "tiny.bin"))
    assert messages == MESSAGES
    assert canonical(OurEngine(100, FAR).run(messages)).splitlines() == REPORTS.splitlines()


def test_the_canonical_text_is_sorted_by_sequence_number_and_type() -> None:
    """The canonical text is sorted; trades of one message keep their order."""
    made = canonical([(3, 1, 0), (1, 1, 9), (1, 1, 8), (0, 0, 7)])
    assert made == "0,0,7\n1,1,9\n1,1,8\n3,1,0"


def test_a_walk_of_more_than_one_step_ends() -> None:
    """An order that meets more resting orders than one step may fill is executed to its end."""
    makers: list[Message] = [(0, 0, 0, 1, id, id, 50) for id in range(STEP + 1)]
    taker: Message = (0, 1, 0, STEP + 2, STEP + 1, STEP + 1, 50)
    reports = OurEngine(50, 50).run([*makers, taker])
    assert [report[4] for report in reports if report[0] == 1] == list(range(STEP + 1))


@pytest.mark.parametrize("cut", [0, 15, 17, 60])
def test_a_cut_file_is_refused(tmp_path: Path, cut: int) -> None:
    """A file that holds fewer messages than its header names, or a cut header, is refused."""
    path = _written(tmp_path / "tiny.bin")
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(ValueError, match=r"tiny\.bin"):
        read_messages(path)


def test_a_file_of_another_program_is_refused(tmp_path: Path) -> None:
    """A file whose first bytes differ from the format's is refused."""
    path = tmp_path / "other.bin"
    path.write_bytes(b"x" * 56)
    with pytest.raises(ValueError, match="generator"):
        read_messages(path)


@pytest.fixture(autouse=True)
def _interpreter_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """Undo the interpreter settings of the benchmark, which would last for all later tests."""
    monkeypatch.setattr("benchmarks.rows.publicbook.tune_interpreter", lambda: None)


def _checkout(folder: Path, digest: str) -> Path:
    (folder / "reference").mkdir()
    listed = f"{digest}  tiny_seed23_count10_reports.txt\n"
    (folder / "reference" / "correctness_hash.txt").write_text(listed)
    _written(folder / "orders_tiny_s23_n10.bin")
    return folder


def test_the_row_says_which_engines_have_no_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The row names engines without a checkout; without any checkout there is no row."""
    for name in ("PUBLIC_BOOK", "PUBLIC_BOOK_PYOB", "PUBLIC_BOOK_DYN4MIK3"):
        monkeypatch.delenv(name, raising=False)
    assert not list(measure())
    assert "PUBLIC_BOOK" in capsys.readouterr().err
    right = hashlib.sha256(REPORTS.encode()).hexdigest()
    monkeypatch.setenv("PUBLIC_BOOK", str(_checkout(tmp_path, right)))
    tiny, worst = measure()
    assert (tiny.work, tiny.yardstick_value) == ("tiny", None)
    assert "no checkout of pyob, no checkout of dyn4mik3" in tiny.conditions
    assert worst.value == tiny.value


def test_other_reports_than_the_published_ones_are_no_figure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run whose reports differ from the published ones yields no throughput."""
    monkeypatch.setenv("PUBLIC_BOOK", str(_checkout(tmp_path, "0" * 64)))
    with pytest.raises(AssertionError, match="tiny: the reports of ours"):
        list(measure())
