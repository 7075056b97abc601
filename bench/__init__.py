"""Figures of the product under load, each as a ratio against a baseline measured in the same run.

Run as ``python -m bench``, see ``docs/performance.md``. A figure that misses its target is reported and is no
error; a wrong answer, a lost record or a failed call at a clean rate is one.
"""
