"""Where the bridge keeps what it promised: tables, transactions, what is forgotten and when."""
