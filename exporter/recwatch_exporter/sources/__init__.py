"""Where data comes from: windows of rows, counted and summed up where they lie."""
