"""An exchange that trades for long, and random scenarios beside it (`make soak`)."""
