package simulator

// services are the services by name, for those that need each other.
type services struct {
	identity    *identity
	objectStore *objectStore
}

// register lists the services in the order in which they are seeded.
func (s *Simulator) register() {
	s.identity = newIdentity(s)
	s.serve(s.identity.service())
	s.objectStore = newObjectStore(s)
	s.serve(s.objectStore.service())
}
