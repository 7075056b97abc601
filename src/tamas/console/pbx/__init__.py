"""The pages PBX > Users, Trunks and Queues."""
