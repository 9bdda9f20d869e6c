"""Durable workflows as rows: runs, steps, tries. Celery only wakes them up."""
