"""Stand-in until the samples of the area come with its branch."""

SAMPLES: dict = {}
