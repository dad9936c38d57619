"""The roles of separate processes: a core, a gateway, several gateways."""
