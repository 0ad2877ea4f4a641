"""Billing: what a call costs and is sold for; accounts, the monthly close, invoices, what is paid, credited and overdue."""
