"""Language models: a state and a word in, a distribution over the next word out."""
