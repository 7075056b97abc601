"""What is going on in the engine now: phones, trunks, queues and calls, followed through AMI."""
