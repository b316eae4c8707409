#!/usr/bin/python3
"""The Neutron agents of a host without a data plane, speaking Neutron's own agent RPC.

An Open vSwitch agent and an L3 agent report themselves, so that the real mechanism driver binds ports and the real
scheduler places routers. What they would report of their work is found by looking at the database once a second: ports
of routers are bound, bound ports are up (which makes them ACTIVE and tells Nova), floating IPs are ACTIVE or DOWN.
"""
import sys
import time
import traceback
import urllib.parse

from neutron.agent import rpc as agent_rpc
from neutron.common import config
from neutron.conf.agent import common as agent_conf
from neutron_lib import constants
from neutron_lib import context as neutron_context
from neutron_lib import rpc
from neutron_lib.agent import topics
from oslo_config import cfg
from oslo_db import options as db_options
import oslo_messaging
import pymysql

HOST = 'massif'
POLL_SECONDS = 1
REPORT_SECONDS = 25

OPEN_VSWITCH = {
    'binary': 'neutron-openvswitch-agent', 'host': HOST, 'topic': constants.L2_AGENT_TOPIC,
    'agent_type': constants.AGENT_TYPE_OVS, 'availability_zone': None, 'start_flag': True,
    # The mechanism driver binds a port only with the mapping or the tunnel type of its network.
    'configurations': {
        'bridge_mappings': {'public': 'br-ex', 'public6': 'br-ex6', 'physnet1': 'br-vlan'},
        'tunnel_types': ['vxlan'], 'tunneling_ip': '127.0.0.1', 'l2_population': False,
        'datapath_type': 'system', 'integration_bridge': 'br-int', 'vhostuser_socket_dir': '/var/run/openvswitch',
        'ovs_capabilities': {'datapath_types': ['system'], 'iface_types': ['vxlan']}, 'ovs_hybrid_plug': False,
        'extensions': ['qos'], 'enable_distributed_routing': False, 'in_distributed_mode': False,
        'arp_responder_enabled': False, 'resource_provider_bandwidths': {}, 'log_agent_heartbeats': False}}
L3 = {
    'binary': 'neutron-l3-agent', 'host': HOST, 'topic': topics.L3_AGENT,
    'agent_type': constants.AGENT_TYPE_L3, 'availability_zone': 'nova', 'start_flag': True,
    'configurations': {
        'agent_mode': 'legacy', 'handle_internal_only_routers': True, 'interface_driver': 'openvswitch', 'extensions': [],
        'routers': 0, 'ex_gw_ports': 0, 'interfaces': 0, 'floating_ips': 0, 'log_agent_heartbeats': False}}

UNBOUND_ROUTER_PORTS = """
    SELECT COUNT(*) FROM ports p JOIN ml2_port_bindings b ON b.port_id = p.id
    WHERE p.device_owner LIKE 'network:router_%%' AND (b.vif_type = 'unbound' OR b.host = '')"""
PORTS_TO_REPORT = """
    SELECT p.id FROM ports p JOIN ml2_port_bindings b ON b.port_id = p.id
    WHERE p.status IN ('DOWN', 'BUILD') AND p.admin_state_up = 1 AND b.vif_type = 'ovs' AND b.status = 'ACTIVE' AND b.host = %s"""
FLOATING_IPS_TO_REPORT = """
    SELECT id, router_id, last_known_router_id FROM floatingips
    WHERE (router_id IS NOT NULL AND status <> 'ACTIVE')
       OR (router_id IS NULL AND last_known_router_id IS NOT NULL AND status <> 'DOWN')"""


class Agents:
    def __init__(self):
        self.context = neutron_context.get_admin_context_without_session()
        self.state = agent_rpc.PluginReportStateAPI(topics.REPORTS)
        self.plugin = agent_rpc.PluginApi(topics.PLUGIN)
        self.l3 = rpc.get_client(oslo_messaging.Target(topic=topics.L3PLUGIN, version='1.0'))
        self.reported = 0
        self.connection = None

    def report(self):
        for agent in OPEN_VSWITCH, L3:
            self.state.report_state(self.context, agent, use_call=True)
            agent.pop('start_flag', None)
        self.reported = time.monotonic()

    def query(self, statement, *args):
        if self.connection is None:
            url = urllib.parse.urlparse(cfg.CONF.database.connection)
            self.connection = pymysql.connect(host=url.hostname, port=url.port, user=url.username, password=url.password,
                                              database=url.path.strip('/'), autocommit=True)
        with self.connection.cursor() as cursor:
            cursor.execute(statement, args)
            return cursor.fetchall()

    def work(self):
        if time.monotonic() - self.reported > REPORT_SECONDS:
            self.report()
        if self.query(UNBOUND_ROUTER_PORTS)[0][0]:
            self.l3.prepare().call(self.context, 'sync_routers', host=HOST)
        for port, in self.query(PORTS_TO_REPORT, HOST):
            self.plugin.get_device_details(self.context, port, 'ovs-agent-' + HOST, HOST)
            self.plugin.update_device_up(self.context, port, 'ovs-agent-' + HOST, HOST)
        for floating_ip, router, last_router in self.query(FLOATING_IPS_TO_REPORT):
            self.l3.prepare().call(self.context, 'update_floatingip_statuses', router_id=router or last_router,
                                   fip_statuses={floating_ip: 'ACTIVE' if router else 'DOWN'})

    def run(self):
        while True:
            try:
                self.work()
            except Exception:  # the server restarts, an object went away meanwhile: the next look is another one
                traceback.print_exc()
                self.connection = None
            time.sleep(POLL_SECONDS)


config.register_common_config_options()
agent_conf.register_agent_state_opts_helper(cfg.CONF)
db_options.set_defaults(cfg.CONF)
config.init(sys.argv[1:])
Agents().run()
