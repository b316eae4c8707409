"""Two fixes of later releases that Debian's Octavia 11.0.0 lacks; imported by the worker.

A load balancer that is created with listeners in one request becomes ACTIVE in 11.0.0 while its children stay in
PENDING_CREATE for ever: the worker builds the flow without the listeners, and the part of it that would configure them
asks for something that nothing provides.

The file run/octavia-stock of the state directory, written by the command octavia-stock, names the load balancers that get
the release's own behaviour: one beginning of a name on each line, an empty line for all.
"""
import functools
import os

from octavia.common import constants
from octavia.controller.worker.v2 import controller_worker
from octavia.controller.worker.v2.flows import load_balancer_flows
from octavia.controller.worker.v2.tasks import amphora_driver_tasks
from octavia.controller.worker.v2.tasks import network_tasks
from octavia.db import api as db_api

STOCK = os.path.join(os.environ['REALCLOUD_DIR'], 'run', 'octavia-stock')

_run_flow = controller_worker.ControllerWorker.run_flow
_create_listeners_flow = load_balancer_flows.LoadBalancerFlows._create_listeners_flow


def is_stock(name):
    try:
        with open(STOCK) as f:
            return any(name.startswith(line.rstrip('\n')) for line in f)
    except FileNotFoundError:
        return False


def run_flow(self, func, *args, **kwargs):
    """The stock method hands `listeners` to the engine, which ignores it, instead of to the flow."""
    if kwargs.get('listeners'):
        load_balancer = self._lb_repo.get(db_api.get_session(), id=kwargs['store'][constants.LOADBALANCER_ID])
        if not is_stock(load_balancer.name or ''):
            func = functools.partial(func, listeners=kwargs.pop('listeners'))
    return _run_flow(self, func, *args, **kwargs)


def create_listeners_flow(self):
    """The task AmphoraePostNetworkPlug needs the networks' configuration: get it just before."""
    tasks = []
    for task in _create_listeners_flow(self):
        if isinstance(task, amphora_driver_tasks.AmphoraePostNetworkPlug):
            tasks.append(network_tasks.GetAmphoraeNetworkConfigs(
                requires=constants.LOADBALANCER_ID, provides=constants.AMPHORAE_NETWORK_CONFIG))
        tasks.append(task)
    return tasks


controller_worker.ControllerWorker.run_flow = run_flow
load_balancer_flows.LoadBalancerFlows._create_listeners_flow = create_listeners_flow
