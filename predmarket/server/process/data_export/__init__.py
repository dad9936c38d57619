"""Exports an exchange's data as files for analysis, with a codebook."""
