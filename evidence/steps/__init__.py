"""Steps of the evidence workflows: doors between the engine and the verbs. Each may run twice, its effect may not."""
