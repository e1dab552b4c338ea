"""Verdicts -> pages for students and instructors, tables for gradebooks, and the JSON of the contract."""
