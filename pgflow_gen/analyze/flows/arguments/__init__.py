"""What stands in the parentheses of flows and steps: options, and names of steps and flows."""
