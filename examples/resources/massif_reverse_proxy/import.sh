# A reverse proxy cannot be imported: its encryption key is only in the state of the configuration that made it.
# Move it between configurations of one backend file with:
terraform state mv -state-out=../other/terraform.tfstate massif_reverse_proxy.brand massif_reverse_proxy.brand
