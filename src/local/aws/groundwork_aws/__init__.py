"""AWS for Groundwork's local cloud.

moto's server does the bulk of the work. This package puts right what moto leaves out of AWS's documented
behaviour (states that take time, dependencies that refuse a delete, most of EKS), and adds what tests need to
see and to provoke: a journal of every call, faults, hazards, and a dump of everything that exists.

It subclasses moto's backends and responses and registers the subclasses; `behaviours.md` lists, part by part,
what is restored and where AWS documents it.
"""
