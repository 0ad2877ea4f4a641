"""Cards that ask for the same as another one."""
