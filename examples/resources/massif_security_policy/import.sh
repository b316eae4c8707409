# By its groups, each with the name that it has in `groups`.
terraform import massif_security_policy.prod servers=9c1b6e0f-3c59-4c8e-a52c-3a1a5d1f2b7e,agents=0f5f8b62-9f3c-4e5f-8f8e-2f0c7f3a9d11
