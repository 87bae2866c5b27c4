"""The request handlers, one module per subject."""
