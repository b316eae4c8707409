"""A session with the cloud over plain REST, for the scripts beside this file: a client library would cost them seconds."""
import os

import requests
import yaml

STATE = os.environ.get('REALCLOUD_DIR', '/tmp/massif-openstack')
VERSIONS = {'network': '/v2.0', 'load-balancer': '/v2', 'key-manager': '/v1', 'image': '/v2', 'dns': '/v2'}


class Cloud:
    """A user's token and the public endpoints of its catalogue."""

    def __init__(self, user):
        with open(STATE + '/clouds.yaml') as f:
            auth = yaml.safe_load(f)['clouds'][user]['auth']
        self.password = auth['password']
        self.session = requests.Session()
        self.session.trust_env = False  # no proxy, no .netrc
        reply = self.session.post(auth['auth_url'] + '/auth/tokens', json={'auth': {
            'identity': {'methods': ['password'], 'password': {'user': {
                'name': auth['username'], 'password': auth['password'], 'domain': {'id': 'default'}}}},
            'scope': {'project': {'name': auth['project_name'], 'domain': {'id': 'default'}}}}})
        reply.raise_for_status()
        token = reply.json()['token']
        self.project = token['project']['id']
        self.user = token['user']['id']
        self.session.headers['X-Auth-Token'] = reply.headers['X-Subject-Token']
        self.endpoints = {service['type']: endpoint['url'] + VERSIONS.get(service['type'], '')
                          for service in token['catalog'] for endpoint in service['endpoints']
                          if endpoint['interface'] == 'public'}
        self.endpoints['identity'] = auth['auth_url']

    def request(self, method, service, path, body=None, **options):
        """The reply, whatever its status. The service is a type of the catalogue, or None when path is a whole URL."""
        return self.session.request(method, (self.endpoints[service] if service else '') + path, json=body, **options)

    def get(self, service, path, **parameters):
        return self.body('GET', service, path, params=parameters)

    def post(self, service, path, body):
        return self.body('POST', service, path, body)

    def put(self, service, path, body=None):
        return self.body('PUT', service, path, body)

    def body(self, method, service, path, body=None, **options):
        """The body of a reply that must be a success."""
        reply = self.request(method, service, path, body, **options)
        if not reply.ok:
            raise SystemExit(f'{method} {reply.url}: {reply.status_code} {reply.text[:500]}')
        return reply.json() if 'json' in reply.headers.get('Content-Type', '') else None
