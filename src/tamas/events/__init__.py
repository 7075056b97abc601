"""Events: their catalogue, the outbox, delivery to receivers, the live stream."""
