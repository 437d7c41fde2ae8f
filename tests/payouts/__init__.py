"""Payouts, from what is owed to the bank's last word."""
