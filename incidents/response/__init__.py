"""How a tenant responds: its policy as versioned data, and the guards that the policy names."""
