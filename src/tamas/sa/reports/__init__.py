"""``/reports/*``: calls, visits to queues, attempts at agents, presence of agents, survey answers."""
