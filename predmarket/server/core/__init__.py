"""The core's durable half: commands are numbered, decided, committed, and only then answered."""
