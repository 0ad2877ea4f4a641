"""Where the code is: repositories at GitHub and their commits."""
