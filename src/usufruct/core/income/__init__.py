"""What each contributor is owed: measure, divide, post to a double-entry ledger, explain."""
