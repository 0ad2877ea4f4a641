"""Operations that take longer than a request: builds that are made here, their progress and their end."""
