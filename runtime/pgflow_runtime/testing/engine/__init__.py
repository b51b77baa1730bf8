"""The state machine of runs without a database: the model that the SQL core is compared with."""
