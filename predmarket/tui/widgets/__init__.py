"""Widgets that draw their own lines: plain data in, strips and messages out."""
