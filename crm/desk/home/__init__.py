"""The figures of the home page: recurring revenue and its movement, and the lists behind each number."""
