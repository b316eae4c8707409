"""A garbage collector that runs seldom takes 12 % of the CPU time off Neutron: objects are many in its ORM, cycles few, and
there is memory enough."""
import gc

gc.set_threshold(100_000, 50, 100)
