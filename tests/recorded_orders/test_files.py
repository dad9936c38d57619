"""Files from other sources are read, or refused with a reason."""

import sys
from pathlib import Path

import pytest

from predmarket.enums import OrderType, Side
from predmarket.recorded_orders import Action, RecordedOrdersError, Row, read_rows, write_rows
from predmarket.recorded_orders.parquet import require_library
from predmarket.recorded_orders.row import COLUMNS, to_texts

HEAD = "seq,time,action,market,order,account,side,type,price,qty"
TIME = "2030-01-31T12:00:00Z"
PLACE = f"1,{TIME},PLACE,rain,a1,ann,BUY,LIMIT,0.5,10"


def file(folder: Path, *lines: str) -> Path:
    """Write a CSV file of these lines."""
    path = folder / "day.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_the_least_that_a_file_needs(tmp_path: Path) -> None:
    """Optional columns may be missing or empty, and unknown columns are ignored."""
    (row,) = read_rows(file(tmp_path, f"{HEAD},note", f"{PLACE},=1+1"))
    assert row == Row(
        seq=1,
        time=1_896_091_200_000_000,
        action=Action.PLACE,
        market="rain",
        order="a1",
        account="ann",
        side=Side.BUY,
        type=OrderType.LIMIT,
        price=5_000,
        qty=1_000,
    )
    assert len(to_texts(row)) == len(COLUMNS)


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ([], "lacks the columns account, action, market, order, seq, time"),
        (["seq,time"], "lacks the columns"),
        ([HEAD, PLACE.replace("0.5", "1.5")], "row 2: price: '1.5'"),
        ([HEAD, PLACE.replace("0.5", "")], "row 2: price is empty in a row of the action PLACE"),
        ([HEAD, PLACE, PLACE.replace("1,", "0,", 1)], "row 3: seq or time goes backwards"),
        ([HEAD, PLACE.replace("PLACE", "EAT")], "row 2: action: 'EAT' is not one of RESTING"),
        ([HEAD, PLACE.replace("rain", "R N")], "row 2: market: 'R N' is not a market's slug"),
        ([HEAD, PLACE.replace("a1", "a" * 33)], "row 2: order: .* is not a name"),
        ([HEAD, PLACE.replace(TIME, "noon")], "row 2: time: 'noon'"),
        ([HEAD, "1"], "row 2: time is empty"),
        ([HEAD, f'"{"x" * 200_000}"'], "line 2: field larger"),
        ([HEAD, "9" * 19], "row 2: seq: '9999999999999999999' is not a whole number"),
    ],
)
def test_a_file_that_is_none_says_where(tmp_path: Path, lines: list[str], says: str) -> None:
    """An error names the row, the column and the expected value."""
    with pytest.raises(RecordedOrdersError, match=says):
        list(read_rows(file(tmp_path, *lines)))


def test_other_bytes_are_refused(tmp_path: Path) -> None:
    """A file that is neither text nor Parquet is refused."""
    for name in ("x.csv", "x.parquet"):
        path = tmp_path / name
        path.write_bytes(b"\xff\xfe\x00binary" * 100)
        with pytest.raises(RecordedOrdersError, match="is not a"):
            list(read_rows(path))


def test_a_failure_leaves_no_part_of_a_file(tmp_path: Path) -> None:
    """A failed write leaves neither the file nor a temporary one."""
    (row,) = read_rows(file(tmp_path, HEAD, PLACE))

    def broken() -> list[Row]:
        raise OSError("no")

    for name in ("x.csv", "x.parquet"):
        with pytest.raises(OSError, match="no"):
            write_rows(tmp_path / name, (broken()[0] if place else row for place in (0, 1)))
    assert [path.name for path in tmp_path.iterdir()] == ["day.csv"]


def test_parquet_without_its_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its library Parquet is refused with the package to install."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(RecordedOrdersError, match=r"predmarket-exchange\[parquet\]"):
        require_library()
