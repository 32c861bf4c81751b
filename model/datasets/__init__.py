"""Readers of data sets: one module per family of layouts, `layouts.open_dataset` for all of them."""
