"""Gateways' queries on the database. Each function takes an open snapshot; most write nothing."""
