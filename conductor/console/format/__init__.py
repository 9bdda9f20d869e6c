"""Numbers, times, statuses and charts as the console shows them."""
