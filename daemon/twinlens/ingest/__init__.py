"""Analyse one path, record it, regroup its neighbourhood."""
