"""What worker and core say to each other: statements, rows, outcomes, and errors as the texts we store."""
