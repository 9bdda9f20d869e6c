"""Tickets in a Roundup tracker."""
