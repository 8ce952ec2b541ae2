"""The rows: read from their source, validated, sampled, and divided into shards."""
