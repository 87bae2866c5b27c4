"""The configuration: its keys, and how it is read from a file or keyword arguments."""
