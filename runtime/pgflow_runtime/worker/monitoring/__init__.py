"""What others may see of a worker: health, metrics for Prometheus and OpenTelemetry."""
