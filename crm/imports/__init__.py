"""Files that users import: recognized, mapped, previewed, imported and reverted."""
