"""What people do to runs and flows from a page, and the trail that it leaves."""
