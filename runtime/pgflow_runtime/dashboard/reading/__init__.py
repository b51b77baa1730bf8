"""How the dashboard reads the database, and what it keeps of that."""
