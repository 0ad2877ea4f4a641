"""Billing: cost and price of model calls, accounts, the monthly close, invoices, payments, credit notes, dunning."""
