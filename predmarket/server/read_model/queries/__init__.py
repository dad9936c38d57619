"""What gateways read from the database. Each function takes an open snapshot and writes nothing."""
