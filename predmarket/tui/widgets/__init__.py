"""What draws its own lines: plain data in, strips out, messages for what the trader wants."""
