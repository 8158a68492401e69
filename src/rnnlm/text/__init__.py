"""Text becomes ids: normalising, cutting, counting, and the order in which a trainer reads."""
