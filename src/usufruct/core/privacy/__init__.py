"""How much may be learnt, and what is let out: questions, plans, budgets, releases."""
