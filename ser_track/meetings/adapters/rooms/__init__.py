"""The meetings of our own: rooms in which browsers meet, with the analysis bot as one more participant."""
