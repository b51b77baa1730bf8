"""Today's handlers on what was recorded, and what differs."""
