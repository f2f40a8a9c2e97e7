# leaseproof fills what stands in double braces without a space; the template's own braces stay as they are.
vault {
  address = "{{vault_address}}"
}

auto_auth {
  method "approle" {
    config = {
      role_id_file_path                   = "{{role_id_file}}"
      secret_id_file_path                 = "{{secret_id_file}}"
      remove_secret_id_file_after_reading = false
    }
  }
}

template {
  destination = "creds.json"
  perms       = "0600"
  contents    = <<-EOT
    {{ with secret "database/creds/app" -}}
    { "username": "{{ .Data.username }}", "password": "{{ .Data.password }}" }
    {{- end }}
  EOT
}

# A lease that cannot be renewed: that of a certificate whose role says `generate_lease`.
template {
  destination = "leaf.pem"
  perms       = "0600"
  contents    = <<-EOT
    {{ with secret "pki/issue/web" "common_name=app.example.com" -}}
    {{ .Data.certificate }}
    {{- end }}
  EOT
}
