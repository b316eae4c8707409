resource "massif_network" "prod" {
  name = "prod"
}

resource "massif_subnet" "web" {
  name       = "web"
  network_id = massif_network.prod.id
  cidr       = "10.2.3.0/24"
}

resource "massif_router" "prod" {
  name             = "prod"
  external_network = "ext-floating1"
  subnet_ids       = [massif_subnet.web.id]
}

resource "massif_load_balancer" "web" {
  name             = "web"
  vip_subnet_id    = massif_subnet.web.id
  external_network = massif_router.prod.external_network # gives the VIP a floating IP

  listeners = {
    http = {
      protocol       = "HTTP"
      port           = 80
      default_pool   = "site"
      insert_headers = { X-Forwarded-For = "true" }
      routes = {
        api = {
          redirect_pool = "api"
          rules         = [{ type = "PATH", compare_type = "STARTS_WITH", value = "/api" }]
        }
        old = {
          redirect_url = "https://www.example.org/"
          rules        = [{ type = "HOST_NAME", compare_type = "EQUAL_TO", value = "old.example.org" }]
        }
      }
    }
    metrics = {
      protocol      = "PROMETHEUS" # numbers about this load balancer, for Prometheus
      port          = 9100
      allowed_cidrs = ["10.2.0.0/16"]
    }
  }

  pools = {
    site = {
      protocol            = "HTTP"
      algorithm           = "ROUND_ROBIN"
      session_persistence = { type = "APP_COOKIE", cookie_name = "session" }
      members = {
        blue  = { address = "10.2.3.11", port = 8080, weight = 95 }
        green = { address = "10.2.3.12", port = 8080, weight = 5 }
      }
      monitor = { type = "HTTP", url_path = "/healthz", delay = 5, timeout = 3, max_retries = 3 }
    }
    api = {
      protocol  = "HTTP"
      algorithm = "LEAST_CONNECTIONS"
      members   = { a = { address = "10.2.3.21", port = 8080 } }
    }
  }
}

output "health" {
  value = { for name, member in massif_load_balancer.web.statuses.pools["site"].members : name => member.operating_status }
}
