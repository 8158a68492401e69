"""From a corpus to weights: optimizers, schedules, shards, and the loop that uses them."""
