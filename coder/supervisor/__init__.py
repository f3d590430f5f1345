"""The supervisor: sees every transition, spends the budgets, answers drift, rolls back, and alone decides what is next."""
