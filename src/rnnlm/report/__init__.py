"""What a person looks at: tables, curves, and the network from inside."""
