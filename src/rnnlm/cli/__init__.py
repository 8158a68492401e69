"""One file per command; a command reads options, calls the library and shows the result."""
