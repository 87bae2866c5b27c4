"""MediaJson: what bridges such as Jitsi's send, how it is recorded, and the times in it."""
