"""What is done with many customers at once: all of it or nothing, with a history that says who did it."""
