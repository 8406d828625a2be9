"""What the command line does besides running the bridge; one module a command."""
