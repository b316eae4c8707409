terraform import massif_keypair.ops ops
