"""Recorded orders: files of every order that changed a market's queues, order by order.

`predmarket journal export` writes such files and `predmarket replay` plays them. A file may also
come from elsewhere. docs/recorded-orders.md describes the format.
"""

from predmarket.recorded_orders.files import read_rows, write_rows
from predmarket.recorded_orders.row import Action, RecordedOrdersError, Row

__all__ = ["Action", "RecordedOrdersError", "Row", "read_rows", "write_rows"]
