"""The JSON side, written once: who may read, what may be asked, how pages and errors look, how it is described."""
