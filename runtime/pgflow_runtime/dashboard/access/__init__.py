"""Who may come in, and how long we wait for them: what stands in front of every page."""
