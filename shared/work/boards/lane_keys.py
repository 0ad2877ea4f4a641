"""The ids of a board's lanes, and where their cards stand in the board's index."""

from functools import lru_cache

from shared.core.ids import derived_id
from shared.work.boards.lanes import LANES


def lane_id_of(board_id: str, number: int) -> str:
    return derived_id("lane", board_id, number)


def lane_key(board_id: str, lane_id: str) -> str:
    """Return what the sort keys of a lane's cards begin with: the number that the lane was made with, in two digits.

    So the index of a board is in the order of its lanes. The key stays with the lane if lanes are ordered anew, and no card is rewritten.
    """
    return _lane_keys(board_id).get(lane_id, f"~{lane_id}")


@lru_cache(maxsize=256)
def _lane_keys(board_id: str) -> dict[str, str]:
    return {lane_id_of(board_id, template.number): f"{template.number:02d}" for template in LANES}
