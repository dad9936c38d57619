"""The admin screen, and its pages: one for each thing that admins keep."""
