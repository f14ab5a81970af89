"""Other libraries on the problem of ``benchmarks.television``, as their own users would write it.

One module for each library, named after it, with a class ``Peer``; it is made from plain arrays and
imports only numpy and its library, so that it can run in an environment that has nothing of ours.
"""
