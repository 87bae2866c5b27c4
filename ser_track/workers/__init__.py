"""More than one core: a front process with the one port, and workers behind it, each with whole meetings of its own."""
