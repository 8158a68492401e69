"""Arrays in, arrays out: the formulas of the network, forward and back; no text, no files, no configuration."""
