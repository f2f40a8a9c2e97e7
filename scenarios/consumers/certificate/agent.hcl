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

template_config {
  exit_on_retry_failure = false
}

template {
  destination = "leaf.pem"
  perms       = "0600"
  contents    = <<-EOT
    {{ with pkiCert "pki/issue/web" "common_name=app.example.com" -}}
    {{ .Cert }}{{ .Key }}
    {{- end }}
  EOT
}
