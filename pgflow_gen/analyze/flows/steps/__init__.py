"""Declarations of steps and companions to IR: handlers' signatures, loops, waits."""
