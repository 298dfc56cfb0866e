"""Relaxed and straight-through gradients of discrete samples."""
