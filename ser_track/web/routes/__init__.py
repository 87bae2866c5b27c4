"""The handlers, one module a subject."""
