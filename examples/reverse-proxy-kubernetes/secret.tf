# The settings of nodes in Kubernetes, which read the same container as the proxy's own nodes: print them with
#   terraform output -raw massif_edge_secret | kubectl apply -f -
output "massif_edge_secret" {
  sensitive = true
  value = yamlencode({
    apiVersion = "v1"
    kind       = "Secret"
    metadata   = { name = "massif-edge" }
    stringData = {
      "settings.json" = jsonencode({
        auth_url                      = "https://keystone.example.com/v3"
        application_credential_id     = massif_reverse_proxy.brand.application_credential_id
        application_credential_secret = massif_reverse_proxy.brand.application_credential_secret
        region                        = massif_reverse_proxy.brand.region
        container                     = massif_reverse_proxy.brand.container
        encryption_key                = massif_reverse_proxy.brand.encryption_key
        http                          = ":8080"
        https                         = ":8443"
        proxy_protocol_from           = ["10.2.1.0/24"] # where the load balancer's connections come from
        cache_directory               = "/tmp/cache"    # which a container that starts again finds as it was
        drain_delay                   = "15s"
        grace_period                  = "30s"
      })
    }
  })
}
