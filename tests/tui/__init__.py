"""The trading screen's parts: their arithmetic, their lines, what a click on them does."""
