package simulator

// services are the services by name, for those that need each other.
type services struct {
	identity    *identity
	network     *network
	objectStore *objectStore
	image       *image
	volume      *volume
	compute     *compute
	keyManager  *keyManager
	dns         *dns

	loadBalancing *loadBalancing
	dataPlane     *dataPlane
	kubernetes    *kubernetes
	guests        *guests
}

// register lists the services in the order in which they are seeded.
func (s *Simulator) register() {
	s.identity = newIdentity(s)
	s.serve(s.identity.service())
	s.network = newNetwork(s)
	s.serve(s.network.service())
	s.image = newImage(s)
	s.serve(s.image.service())
	s.volume = newVolume(s)
	s.serve(s.volume.service())
	s.compute = newCompute(s)
	s.serve(s.compute.service())
	s.objectStore = newObjectStore(s)
	s.serve(s.objectStore.service())
	s.keyManager = newKeyManager(s)
	s.serve(s.keyManager.service())
	s.dns = newDNS(s)
	s.serve(s.dns.service())
	s.dataPlane = newDataPlane(s)
	s.loadBalancing = newLoadBalancing(s)
	s.serve(s.loadBalancing.service())
	s.kubernetes = newKubernetes(s)
	s.serve(s.kubernetes.service())
	s.kubernetes.watch()
	s.watchGuests()
}
