"""The command `ser-track`: one module for each of its commands."""
