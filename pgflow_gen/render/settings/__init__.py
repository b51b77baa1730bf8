"""What a flow's options, schedules and companions are in the database and the contract."""
