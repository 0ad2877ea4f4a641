"""aintandem, section 9: what sandboxes do, what collaborations do, and what concerns the whole platform."""

from functions.ws.endpoint import Endpoint
from functions.ws.sandboxes import LINK

SANDBOX = Endpoint("aintandem.sandbox", "/ws/sandboxes/{sandbox_id}", connect_sandbox=LINK.connect_sandbox)
COLLABORATION = Endpoint("aintandem.collaboration", "/ws/collaborations/{collaboration_id}")
SYSTEM = Endpoint("aintandem.system", "/ws/system")
