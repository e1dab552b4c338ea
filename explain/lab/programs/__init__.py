"""Small servers, clients and devices that stand in a lab; each file is a program of the standard library alone.

They run as ``python -S FILE ...`` inside a node, so none of them imports another or the package.
"""
