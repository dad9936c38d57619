"""Measures against yardsticks, run in the same minutes on the same machine.

`make bench` prints the table, `make bench NAME=engine` one row. One module a row in rows/, each
with a `measure() -> Iterable[Line]`; what several rows need stands beside it: stream.py (the
commands), yardsticks.py, load.py (HTTP).
"""
