"""How a trainer is started and watched; one module for each way."""
