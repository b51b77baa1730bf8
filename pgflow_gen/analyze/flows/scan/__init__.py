"""A module's statements: which flows, steps and companions it declares, before their arguments are read."""
