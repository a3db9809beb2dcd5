"""The private parts of other libraries that the framework needs: one module or folder for each library.

Nowhere else is a private name of another library touched; `tests/private_names.py` finds them by their types. Each
adapter says which versions it was proved on. Under others, or with ``FRAMEWORK_PLAIN=1``, the public way is taken.
"""
