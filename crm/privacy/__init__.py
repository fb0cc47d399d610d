"""What is held of a customer or a person: showing all of it, and erasing it."""
