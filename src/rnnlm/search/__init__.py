"""What is done with a distribution over words: the best of them, samples, beams."""
