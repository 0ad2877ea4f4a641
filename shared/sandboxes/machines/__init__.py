"""What runs a sandbox: a process of this laptop, or a microVM on AWS."""
