"""SES: senders need no verification, because no e-mail leaves this machine."""

from ministack.services import ses


def apply() -> None:
    """Not a fault: SES refuses senders whose address was not confirmed by a click. Symptom: no mail is ever sent locally."""
    ses._identity_verified = lambda *_args, **_kwargs: True
