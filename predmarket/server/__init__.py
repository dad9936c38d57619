"""The exchange daemon: gateway, settlement core and storage."""
