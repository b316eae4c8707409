"""SQLAlchemy loads by "selectin" what Neutron, Nova, Octavia and Keystone ask for by "subquery".

The objects are the same. But a subquery is made anew from the query around it for each load, which was a third of Neutron's CPU
time; SQLAlchemy's documentation calls it superseded.
"""
from sqlalchemy.engine import CreateEnginePlugin
from sqlalchemy.orm.relationships import RelationshipProperty
from sqlalchemy.orm.strategies import SelectInLoader

RelationshipProperty.strategy_for(lazy='subquery')(SelectInLoader)


class CollectionsByKey(CreateEnginePlugin):
    """Named in the URL of a database, so that this module is there before anything is read from it."""
