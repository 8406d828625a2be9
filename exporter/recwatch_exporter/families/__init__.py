"""How each family of check types gets from data to a measurement."""
