"""Statistics that several check types share: pure functions of arrays."""
