"""The supervisor sees every transition: it spends the budgets, answers drift, rolls back, and decides what is next."""
