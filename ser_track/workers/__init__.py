"""Several CPU cores: a front process with the one port, and worker processes behind it, each with whole meetings."""
