"""What the daemons ask of a database on the same machine, without two things that cost much and change nothing.

- What Neutron, Nova, Octavia and Keystone load by "subquery" is loaded by "selectin". The objects are the same, but a subquery is
  made anew from the query around it for each load, which was a third of Neutron's CPU time; SQLAlchemy's documentation calls it
  superseded.
- oslo.db asks whether a connection still lives each time one is taken, which Octavia does for each lazy load: a third of its
  worker's time.
"""
from oslo_db.sqlalchemy import engines
from sqlalchemy.engine import CreateEnginePlugin
from sqlalchemy.orm.relationships import RelationshipProperty
from sqlalchemy.orm.strategies import SelectInLoader

RelationshipProperty.strategy_for(lazy='subquery')(SelectInLoader)
engines._connect_ping_listener = lambda connection, branch: None


class LeanDatabase(CreateEnginePlugin):
    """Named in the URL of a database, so that this module is there before anything is read from it."""
