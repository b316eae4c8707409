#!/usr/bin/python3
"""What a new cloud holds, made over its own APIs.

  seed.py identity    roles, projects, users, the catalogue: needs Keystone
  seed.py resources   networks, images, flavors, volume types: needs everything; returns when servers and volumes can be made

The names are those of the simulator, so that tests find the same on both.
"""
import os
import sys
import time

from cloud import Cloud

FIRST_PORT = int(os.environ.get('REALCLOUD_PORT', '28000'))
REGION = 'RegionOne'
SERVICES = ['placement', 'neutron', 'glance', 'nova', 'cinder', 'octavia', 'barbican', 'designate', 'swift']
# type, name, offset of the port (see lib.sh), path
CATALOGUE = [
    ('identity', 'keystone', 0, '/v3'),
    ('placement', 'placement', 1, ''),
    ('image', 'glance', 2, ''),
    ('network', 'neutron', 3, ''),
    ('compute', 'nova', 4, '/v2.1'),
    ('volumev3', 'cinderv3', 5, '/v3/%(project_id)s'),
    ('block-storage', 'cinder', 5, '/v3/%(project_id)s'),
    ('load-balancer', 'octavia', 6, ''),
    ('key-manager', 'barbican', 7, ''),
    ('dns', 'designate', 8, ''),
    ('object-store', 'swift', 9, '/v1/AUTH_%(project_id)s'),
]
ROLES = ['admin', 'member', 'reader', 'service', 'creator', 'observer', 'audit', 'key-manager:service-admin',
         'load-balancer_member', 'load-balancer_observer', 'load-balancer_admin', 'load-balancer_global_observer',
         'load-balancer_quota_admin', 'ResellerAdmin']
TENANT = ['member', 'reader', 'creator', 'load-balancer_member']
ADMIN = ['admin', 'creator', 'load-balancer_admin', 'key-manager:service-admin', 'ResellerAdmin']

IMAGES = [
    ('cirros-fake', {}),
    ('ubuntu-22.04-fake', {'os_distro': 'ubuntu', 'os_version': '22.04', 'hw_scsi_model': 'virtio-scsi'}),
    ('fedora-coreos-fake', {'os_distro': 'fedora-coreos'}),
    ('amphora-fake', {'tags': ['amphora']}),
    ('Debian 12', {'os_distro': 'debian', 'os_version': '12'}),
]
# id, name, vcpus, ram, disk
FLAVORS = [
    ('1', 'm1.tiny', 1, 512, 1),
    ('2', 'm1.small', 1, 2048, 20),
    ('3', 'm1.medium', 2, 4096, 40),
    ('4', 'm1.large', 4, 8192, 80),
    ('5', 'm1.xlarge', 8, 16384, 160),
    ('6', 'm1.small-d0', 1, 2048, 0),
    ('a1-2-20', 'a1-ram2-disk20', 1, 2048, 20),
    ('a2-4-0', 'a2-ram4-disk0', 2, 4096, 0),
    ('a2-4-20', 'a2-ram4-disk20', 2, 4096, 20),
    ('a4-8-0', 'a4-ram8-disk0', 4, 8192, 0),
]


def identity(cloud):
    roles = {role['name']: role['id'] for role in cloud.get('identity', '/roles')['roles']}
    for name in ROLES:
        if name not in roles:
            roles[name] = cloud.post('identity', '/roles', {'role': {'name': name}})['role']['id']
    projects = {'admin': cloud.project}
    for name in 'service', 'demo', 'demo2':
        projects[name] = cloud.post('identity', '/projects', {'project': {'name': name, 'domain_id': 'default'}})['project']['id']

    def grant(user, project, *names):
        for name in names:
            cloud.put('identity', f'/projects/{projects[project]}/users/{user}/roles/{roles[name]}')

    def user(name):
        body = {'user': {'name': name, 'domain_id': 'default', 'password': cloud.password}}
        return cloud.post('identity', '/users', body)['user']['id']

    grant(user('demo'), 'demo', *TENANT)
    grant(user('demo2'), 'demo2', *TENANT)
    grant(user('demo-reader'), 'demo', 'reader')
    grant(cloud.user, 'admin', *ADMIN)
    grant(cloud.user, 'demo', 'admin')
    for name in SERVICES:
        grant(user(name), 'service', 'admin', 'service', *(['creator'] if name == 'octavia' else []))

    cloud.post('identity', '/regions', {'region': {'id': REGION}})
    for kind, name, offset, path in CATALOGUE:
        service = cloud.post('identity', '/services', {'service': {'type': kind, 'name': name}})['service']['id']
        url = f'http://127.0.0.1:{FIRST_PORT + offset}{path}'
        for interface in 'public', 'internal':
            cloud.post('identity', '/endpoints', {'endpoint': {
                'service_id': service, 'interface': interface, 'url': url, 'region_id': REGION}})


def resources(cloud):
    networks(cloud)
    images(cloud)
    for id, name, vcpus, ram, disk in FLAVORS:
        cloud.post('compute', '/flavors', {'flavor': {'id': id, 'name': name, 'ram': ram, 'vcpus': vcpus, 'disk': disk}})
    for name, more in ('fake', {}), ('fast', {}), ('shared', {'multiattach': '<is> True'}):
        cloud.post('volumev3', '/types', {'volume_type': {'name': name, 'extra_specs': {'volume_backend_name': 'fake', **more}}})
    profile = cloud.post('load-balancer', '/lbaas/flavorprofiles', {'flavorprofile': {
        'name': 'single', 'provider_name': 'amphora', 'flavor_data': '{"loadbalancer_topology": "SINGLE"}'}})['flavorprofile']['id']
    cloud.post('load-balancer', '/lbaas/flavors', {'flavor': {'name': 'single', 'description': 'one amphora', 'flavor_profile_id': profile}})
    wait('an agent for routers and one for ports', lambda: [
        agent for agent in cloud.get('network', '/agents')['agents'] if agent['alive']], 2)
    wait('a compute host', lambda: cloud.get('compute', '/os-hypervisors')['hypervisors'], 1)
    wait('a volume backend', lambda: cloud.get('volumev3', '/scheduler-stats/get_pools')['pools'], 1)


def networks(cloud):
    def external(name, physical_network, subnet, **attributes):
        network = cloud.post('network', '/networks', {'network': {
            'name': name, 'router:external': True, 'provider:network_type': 'flat',
            'provider:physical_network': physical_network, **attributes}})['network']['id']
        cloud.post('network', '/subnets', {'subnet': {'network_id': network, 'enable_dhcp': False, **subnet}})

    external('ext-floating1', 'public', {
        'name': 'ext-floating1-v4', 'ip_version': 4, 'cidr': '203.0.113.0/24', 'gateway_ip': '203.0.113.1',
        'allocation_pools': [{'start': '203.0.113.10', 'end': '203.0.113.250'}]}, is_default=True)
    external('ext-v6only', 'public6', {'name': 'ext-v6only-v6', 'ip_version': 6, 'cidr': '2001:db8:ffff::/64'})
    scope = cloud.post('network', '/address-scopes', {'address_scope': {
        'name': 'shared-v4', 'ip_version': 4, 'shared': True}})['address_scope']['id']
    cloud.post('network', '/subnetpools', {'subnetpool': {
        'name': 'shared-default-subnetpool-v4', 'prefixes': ['10.128.0.0/16'], 'default_prefixlen': 24, 'shared': True,
        'is_default': True, 'address_scope_id': scope}})
    cloud.post('network', '/subnetpools', {'subnetpool': {
        'name': 'provisional-v6', 'prefixes': ['fd00:128::/48'], 'default_prefixlen': 64, 'shared': True, 'is_default': True}})


def images(cloud):
    for name, properties in IMAGES:
        image = cloud.post('image', '/images', {
            'name': name, 'disk_format': 'raw', 'container_format': 'bare', 'visibility': 'public', **properties})['id']
        cloud.body('PUT', 'image', f'/images/{image}/file', data=bytes(64 << 10),
                   headers={'Content-Type': 'application/octet-stream'})


def wait(what, list_, count, seconds=120):
    deadline = time.monotonic() + seconds
    while len(list_()) < count:
        if time.monotonic() > deadline:
            raise SystemExit(f'{what}: not there after {seconds} s')
        time.sleep(0.3)


{'identity': identity, 'resources': resources}[sys.argv[1]](Cloud('admin'))
