"""Priors that a network or a filter stands for, instead of a formula."""
