"""What messages say and how they look."""
