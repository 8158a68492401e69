"""Recurrent language models from the command line; the public names are listed here and loaded when first used."""
