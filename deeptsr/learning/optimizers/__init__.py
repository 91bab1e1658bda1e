"""How a fit goes down its error, step by step."""
