"""Exports: a table of any size as a file that can be downloaded, made at once where it is small and by the function `export_worker` where
it is not."""
