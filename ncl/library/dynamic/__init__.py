"""Programs of the library; see `ncl.library`."""
