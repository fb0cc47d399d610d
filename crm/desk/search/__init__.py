"""Finding customers by whatever somebody has of them: what was typed, where it is looked for, what is found."""
