# leaseproof fills what stands in double braces without a space; the template's own braces stay as they are.
vault {
  address = "{{vault_address}}"
  retry {
    num_retries = 3
  }
}

auto_auth {
  method "approle" {
    config = {
      role_id_file_path                   = "{{role_id_file}}"
      secret_id_file_path                 = "{{secret_id_file}}"
      remove_secret_id_file_after_reading = false
    }
  }
  sink "file" {
    config = {
      path = "vault_token"
      mode = 0600
    }
  }
}

template_config {
  exit_on_retry_failure = false
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
