"""Who works on what: leases, pools, and how idle workers are woken."""
