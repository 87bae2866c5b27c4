"""The configuration: what can be set, and how a file or keyword arguments become it."""
