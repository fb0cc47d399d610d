"""Changes of many customers at once: all or nothing, with history."""
