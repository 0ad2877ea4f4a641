"""What is worked on: projects, boards, cards and what belongs to them."""
