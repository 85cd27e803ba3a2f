"""Kubernetes' published schemas, as far as manifests of ops/ need them: see README.md here."""
