"""Gradwright: train neural networks you can see through."""
