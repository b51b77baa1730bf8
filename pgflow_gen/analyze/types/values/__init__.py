"""Types that are no records: tuples and sets, enums, literals, unions, and pydantic's own."""
