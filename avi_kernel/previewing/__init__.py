"""`python -m avi_kernel.previewing`: reads one stranger's file, and tells a page of it as JSON or as a PNG made here.

A program of its own, with limits and no way out: parsers of scientific formats are large, and files are made to break them.
"""
