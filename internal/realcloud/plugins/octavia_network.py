"""Octavia's network driver for a cloud whose amphorae never boot.

Everything that a tenant sees in Neutron is done by Octavia itself: the VIP port, the VRRP port, the security group
lb-<id> with its rules, QoS, the checks of subnets and ports, and the end of all that. Only what reaches into the virtual
machine is replaced, by the change of a port that Nova would have made.
"""
from octavia.network import data_models
from octavia.network.drivers.neutron import allowed_address_pairs


class WithoutAmphorae(allowed_address_pairs.AllowedAddressPairsDriver):
    _extensions = {}

    @property
    def _check_extension_cache(self):
        """Neutron's extensions stay as they are: each driver, and there are many, would ask for three of them anew."""
        return self._extensions

    @_check_extension_cache.setter
    def _check_extension_cache(self, _):
        pass

    def plug_port(self, amphora, port):
        self.neutron_client.update_port(port.id, {'port': {'device_id': amphora.compute_id}})
        return data_models.Interface(id=port.id, compute_id=amphora.compute_id, network_id=port.network_id,
                                     port_id=port.id, fixed_ips=port.fixed_ips)

    def plug_network(self, compute_id, network_id):
        port = self.neutron_client.create_port({'port': {
            'network_id': network_id, 'device_id': compute_id, 'device_owner': 'compute:nova'}})['port']
        return self._port_to_octavia_interface(compute_id, port)

    def unplug_network(self, compute_id, network_id):
        for interface in self.get_plugged_networks(compute_id):
            if interface.network_id == network_id:
                self.neutron_client.delete_port(interface.port_id)

    def unplug_vip(self, load_balancer, vip):
        pass

    def unplug_aap_port(self, vip, amphora, subnet):
        pass

    def wait_for_port_detach(self, amphora):
        pass

    def failover_preparation(self, amphora):
        pass
