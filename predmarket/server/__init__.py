"""The exchange daemon: gateway, core and storage."""
