"""Messages between sandboxes: policy, delivery, answers, retries."""
