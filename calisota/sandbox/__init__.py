"""Runs candidate programs that nobody trusts, and judges what came out."""
