# Lease and node are gone from the configuration.
