"""The Simotel API (SA) v4: one declaration per service, one chain that every request walks."""
