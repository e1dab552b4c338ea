"""What a ladder shows in any form: which rails, which arrows, what became of their packets."""
