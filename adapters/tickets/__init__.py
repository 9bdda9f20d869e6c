"""Tickets in a tenant's tracker."""
