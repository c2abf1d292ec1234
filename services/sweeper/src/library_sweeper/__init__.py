"""Cron-driven clean-up."""
