"""Exports: a table of any size as a file to download. A small file is made in the request, a large one by the function `export_worker`."""
