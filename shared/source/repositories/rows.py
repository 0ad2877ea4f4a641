"""The rows of connected repositories.

REPO#<repository>  META                       core       a repository, whose id is derived from its project: a project has one
REPO#<repository>  ISS#<owner/name>#<number>  core       an issue, and the card that it is kept in step with
REPO#<repository>  PR#<owner/name>#<number>   core       a pull request
REPO#<repository>  BRANCH#<name>              core       a branch, and how far its commits are known
REPO#<repository>  REMARK#<id>                core       a comment on a commit
REPO#<repository>  SAID#<comment>             core       a comment on a card that is, or is being, written under its issue
REPO#<repository>  HEARD#<id>                 core       a comment under an issue, by GitHub's number, and the comment on the card
GHD#<repository>#<delivery>  META             ephemeral  a delivery of the webhook that has come
ISSUE#<card>       META                       ephemeral  that an issue of the card is being made
GHP#<account>      META                       ephemeral  that somebody has proved who they are at GitHub
GHAPP              META                       ephemeral  how far the deliveries of the app's webhook were looked at
"""

import hashlib
from typing import Any, Final

from shared.core.ids import derived_id
from shared.store import (
    BooleanAttribute,
    Entity,
    Ephemeral,
    JSONAttribute,
    NumberAttribute,
    Shards,
    UnicodeAttribute,
)

ACTIVE, FAILING, DISCONNECTED = "active", "failing", "disconnected"
NOT_CONNECTED: Final = "not_connected"
"""How a project is shown that names a repository which nobody has connected."""
WATCHED: Final = Shards("REPOS", 4)
"""Index of the repositories, for the scheduled job."""


def repository_id_of(project_id: str) -> str:
    """Return the id of the repository of a project, whether it has one or not."""
    return derived_id("repository", project_id)


def repositories_of(ws_id: str) -> tuple[int, str]:
    """Return the index, and its partition, that hold the repositories of a workspace, oldest first."""
    return 3, f"WS#{ws_id}#REPO"


def repositories_named(full_name: str) -> tuple[int, str]:
    """Return the index, and its partition, that hold the repositories of all tenants with this name."""
    return 2, f"GH#{full_name.lower()}"


def repositories_by(installation: int) -> tuple[int, str]:
    """Return the index, and its partition, that hold the repositories that are connected by an installation of the app."""
    return 2, f"GHINST#{installation}"


def number_of(github_id: int) -> str:
    """Return what the sort keys of a repository begin with in `repositories_by`."""
    return f"{github_id:020}#"


class Repository(Entity):
    """A repository at GitHub that is connected to a project. The token and the secret are encrypted by KMS."""

    KIND = "REPO"
    NAME = "repository"

    owner = UnicodeAttribute()
    name = UnicodeAttribute()
    former_names: Any = JSONAttribute(default=list)
    """`owner/name` as GitHub called it before, oldest first."""
    board_id = UnicodeAttribute()
    github_id = NumberAttribute()
    """GitHub's own number, which stays when the repository gets another name."""
    url = UnicodeAttribute()
    default_branch = UnicodeAttribute(default="main")
    token = UnicodeAttribute()
    login = UnicodeAttribute(null=True)
    """Whose token it is, or who proved that they administer it."""
    secret = UnicodeAttribute()
    hook_id = NumberAttribute()
    installation_id = NumberAttribute(null=True)
    """The installation of the app by which it is connected: it has no token, no secret and no webhook of its own then."""
    webhook_status = UnicodeAttribute(default=ACTIVE)  # active | failing | disconnected
    status_reason = UnicodeAttribute(null=True)
    connected_at = UnicodeAttribute()
    created_by = JSONAttribute()
    etag = UnicodeAttribute(null=True)
    """The tag of the list of deliveries as it was read last."""
    branches_etag = UnicodeAttribute(null=True)
    """That of the list of branches."""
    branches_seen = BooleanAttribute(default=False)
    """Whether its branches were compared before: one that is new since was made since."""
    private = BooleanAttribute(null=True)
    archived = BooleanAttribute(default=False)
    """Whether it can only be read, at GitHub."""

    @property
    def full_name(self) -> str:
        """Return `owner/name`, as GitHub writes it."""
        return f"{self.owner}/{self.name}"

    @property
    def reference_name(self) -> str:
        """Return the name by which cards name its issues: the first one that it had here. GitHub may have given it another one since."""
        return str(self.former_names[0]) if self.former_names else self.full_name

    def is_named(self, full_name: str) -> bool:
        """Tell whether this is or was its name."""
        return full_name.lower() in {one.lower() for one in (self.full_name, *self.former_names)}

    @property
    def names(self) -> dict[str, str]:
        """Return what fills the paths of its API."""
        return {"owner": str(self.owner), "repo": str(self.name)}

    def indexes(self) -> dict[int, tuple[str, str]]:
        of_workspace, partition = repositories_of(str(self.ws_id))
        of_source, source = repositories_named(self.full_name)
        sort = f"{self.connected_at}#{self.id}"
        if self.installation_id is not None:
            of_source, source = repositories_by(int(self.installation_id))
            sort = f"{number_of(int(self.github_id))}{sort}"
        return {
            1: (f"PROJ#{self.proj_id}#REPO", self.connected_at),
            of_source: (source, sort),
            of_workspace: (partition, f"{self.connected_at}#{self.id}"),
            4: (WATCHED.partition_of(self.id), self.id),
        }


def issue_reference(full_name: str, number: int) -> str:
    """Return how a card names its issue: `owner/name#12`, in lower case, as GitHub ignores it."""
    return f"{full_name.lower()}#{number}"


class _OfRepository(Entity):
    """A row in the partition of its repository. `item_id` is the card that it is about, whose activities show it."""

    KIND = ""
    NAME = "row"
    SORT = ""

    repository_id = UnicodeAttribute()
    repo = UnicodeAttribute()
    """`owner/name`."""
    number = NumberAttribute(null=True)
    item_id = UnicodeAttribute(null=True)

    @classmethod
    def key_in(cls, repository_id: str, reference: str) -> tuple[str, str]:
        return f"REPO#{repository_id}", f"{cls.SORT}#{reference}"

    @classmethod
    def of(cls, repository: Repository, reference: str, **fields: Any) -> Any:
        """Build a new row of a repository, not yet written. Its id is derived, so that a repetition writes the same row."""
        row = cls.new(
            derived_id(cls.SORT, repository.id, reference),
            org_id=repository.org_id,
            ws_id=repository.ws_id,
            proj_id=repository.proj_id,
            repository_id=repository.id,
            repo=repository.full_name,
            **fields,
        )
        row.pk, row.sk = cls.key_in(repository.id, reference)
        return row


class IssueLink(_OfRepository):
    """An issue and the card that it is kept in step with.

    `seen` has fingerprints of the issue's title, body and state as both sides knew them last, and `sent` those of the card: what
    differs from them was changed since, and what agrees is an echo.
    """

    KIND = "ISS"
    NAME = "issue"
    SORT = "ISS"

    title = UnicodeAttribute()
    url = UnicodeAttribute()
    seen = JSONAttribute(default=dict)
    sent = JSONAttribute(default=dict)
    changed_at = UnicodeAttribute(default="")
    """When the issue was changed last, by GitHub's clock."""


def waiting_in(repository_id: str) -> str:
    """Return the partition of index 1 that holds the merged pull requests of a repository whose task waits, tried last at the end."""
    return f"REPO#{repository_id}#WAITING"


def waiting_for(task_id: str) -> str:
    """Return the partition of index 2 that holds the merged pull requests that would complete a task."""
    return f"TASK#{task_id}#MERGED"


class PullRequest(_OfRepository):
    KIND = "PULL"
    NAME = "pull request"
    SORT = "PR"

    title = UnicodeAttribute()
    url = UnicodeAttribute()
    state = UnicodeAttribute(default="open")  # open | closed | merged
    merge_sha = UnicodeAttribute(null=True)
    task_id = UnicodeAttribute(null=True)
    changed_at = UnicodeAttribute(default="")
    waits = UnicodeAttribute(null=True)
    """Of a merged one: why its task could not be completed yet."""
    tried_at = UnicodeAttribute(null=True)
    merged_at = UnicodeAttribute(null=True)

    def indexes(self) -> dict[int, tuple[str, str]]:
        if not self.waits:
            return {}
        return {1: (waiting_in(self.repository_id), str(self.tried_at)), 2: (waiting_for(str(self.task_id)), str(self.number))}


def branches_of(repository_id: str) -> str:
    """Return the partition of index 1 that holds the branches of a repository, changed last at the end."""
    return f"REPO#{repository_id}#BRANCH"


def branch_reference(name: str) -> str:
    """Return how the key of a branch names it: by its name, if that is not too long for a key (1,024 bytes)."""
    raw = name.encode()
    return name if len(raw) <= 500 else hashlib.sha256(raw).hexdigest()


class Branch(_OfRepository):
    """A branch. All commits up to `head` are recorded; those up to `reaching` are being recorded, last at `reached_at`."""

    KIND = "BRANCH"
    NAME = "branch"
    SORT = "BRANCH"

    name = UnicodeAttribute()
    head = UnicodeAttribute()
    gone = BooleanAttribute(default=False)
    """Whether it was deleted at GitHub."""
    forced_at = UnicodeAttribute(null=True)
    """When its history was replaced last."""
    moved_at = UnicodeAttribute()
    reaching = UnicodeAttribute(null=True)
    reached_at = UnicodeAttribute(null=True)

    def indexes(self) -> dict[int, tuple[str, str]]:
        return {1: (branches_of(self.repository_id), f"{self.moved_at}#{branch_reference(self.name)}")}


class Remark(_OfRepository):
    """A comment on a commit, made at GitHub."""

    KIND = "REMARK"
    NAME = "comment"
    SORT = "REMARK"

    sha = UnicodeAttribute()
    text = UnicodeAttribute()
    card_id = UnicodeAttribute(null=True)


class SaidComment(_OfRepository):
    """A comment that was written here, and its copy at GitHub. Without a `remote_id` it is being sent: nobody knows yet whether it came."""

    KIND = "SAID"
    NAME = "comment"
    SORT = "SAID"

    remote_id = UnicodeAttribute(null=True)
    sent = UnicodeAttribute(default="")
    """The fingerprint of the text that GitHub was sent last."""
    begun_at = UnicodeAttribute()


class HeardComment(_OfRepository):
    """A comment at GitHub. `here`: it is the copy of one that was written here."""

    KIND = "HEARD"
    NAME = "comment"
    SORT = "HEARD"

    comment_id = UnicodeAttribute()
    here = BooleanAttribute(default=False)
    removed = BooleanAttribute(default=False)
    changed_at = UnicodeAttribute(default="")


class Delivery(Ephemeral):
    """A delivery that has come. `done`: what it says has been processed; until then a repetition is put in line again."""

    KEPT: Final = 4 * 86_400  # seconds: GitHub repeats what is up to three days old

    taken_at = NumberAttribute()
    done = BooleanAttribute(default=False)

    @classmethod
    def key_of(cls, repository_id: str, delivery: str) -> tuple[str, str]:
        return f"GHD#{repository_id}#{delivery}", "META"


class Proof(Ephemeral):
    """That somebody has proved who they are at GitHub, until `expires_at` (epoch seconds). The token is encrypted by KMS."""

    token = UnicodeAttribute()
    login = UnicodeAttribute()
    expires_at = NumberAttribute()

    @classmethod
    def key_of(cls, account: str) -> tuple[str, str]:
        return f"GHP#{account}", "META"


class AppDeliveries(Ephemeral):
    """`looked_at`: up to which time the deliveries of the app's webhook were looked at."""

    KEY: Final = ("GHAPP", "META")

    looked_at = UnicodeAttribute()


class Intent(Ephemeral):
    """That somebody is making an issue of a card, since `at` (epoch seconds)."""

    at = NumberAttribute()
    by = JSONAttribute()

    @classmethod
    def key_of(cls, card_id: str) -> tuple[str, str]:
        return f"ISSUE#{card_id}", "META"
