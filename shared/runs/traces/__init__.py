"""What an agent has done, turn by turn, and the rules that tell when its work goes wrong. Nothing here reads or writes a row."""
