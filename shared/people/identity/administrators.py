"""The administrators of the platform: who books transfers and reads every workspace's invoices.

The flag is kept with the account, in `core`; the access record has a copy that each request reads. No request changes it: the
command `tools.admin` does.
"""

from shared.core.actor import SYSTEM
from shared.core.emails import normal_email
from shared.core.errors import Forbidden, NotFound
from shared.events import EventType, record
from shared.people.access import records
from shared.people.identity.users import ADMINISTRATORS, User, find_by_email
from shared.store import Operation, fetch_indexed, iterate, update_with_retry


def set_administrator(email: str, administrator: bool) -> User:
    """Make the account of an address an administrator of the platform, or no longer; at the next request it is true. Nothing else of
    the account changes, and it may be repeated.

    Raises NotFound for an address without an account, and Forbidden to appoint an account whose address is not confirmed.
    """

    def load() -> User:
        user = find_by_email(normal_email(email))
        if user is None:
            raise NotFound(User.NAME)
        return user

    def change(user: User) -> list[Operation]:
        if administrator and not user.email_verified:
            raise Forbidden("The address of this account is not confirmed")
        if user.platform_admin != administrator:
            record(user, EventType.USER_UPDATED, SYSTEM, changes={"platform_admin": [user.platform_admin, administrator]})
            user.platform_admin = administrator
        return [records.set_platform_admin(user.id, administrator)]

    return update_with_retry(load, change)


def list_administrators() -> list[User]:
    return list(iterate(User, ADMINISTRATORS, index=1, read=lambda rows: fetch_indexed(User, rows)))
