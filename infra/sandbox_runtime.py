"""Where sandboxes run on AWS, if `sandboxes` is `agentcore`: one Bedrock AgentCore Runtime, each of whose sessions is a microVM.

The microVMs are in subnets without a route: from there, nothing but the gateway is reached. In this network the name of the platform leads
to the gateway, which carries TLS connections to exactly this name (`infra/gateway/forward.py`), and no other name is looked up. Their
role has no right but to read the code of the agent, which is no secret.
"""

import base64
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aws_cdk import (
    Fn,
    aws_bedrockagentcore,
    aws_ec2,
    aws_iam,
    aws_route53,
    aws_route53resolver,
)
from aws_cdk.aws_s3_assets import Asset
from constructs import Construct

from infra.bundling_agent import ENTRY, RUNTIME
from infra.exemptions import exempt
from infra.function import allow
from infra.settings import Settings
from infra.stack import PlatformStack

FORWARD = Path(__file__).parent / "gateway" / "forward.py"
NETWORK = "10.87.0.0/24"
GATEWAY_ADDRESS = "10.87.0.10"
_OUTSIDE, _INSIDE = "10.87.0.0/28", ("10.87.0.64/26", "10.87.0.128/26")  # 59 microVMs in each of two zones need an address
_IMAGE = "{{resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64}}"
IDLE_SECONDS = 60  # after which AWS ends a session whose agent has ended
LIFETIME = 28_800  # seconds, the longest: then the platform starts the sandbox again
HOME = "/mnt/work"  # as `cadre_sandbox.runtime` has it


def names_of(settings: Settings) -> list[str]:
    """The names under which sandboxes reach the platform: its API and its sockets are on one host."""
    return [str(urlsplit(settings.url).hostname)]


class SandboxRuntime(PlatformStack):
    """The runtime and its network. `agent` is the zip of the sandbox agent."""

    def __init__(self, scope: Construct, settings: Settings, agent: Path) -> None:
        super().__init__(scope, settings, "sandboxes", "the microVMs of sandboxes and their network")
        vpc = aws_ec2.CfnVPC(self, "Network", cidr_block=NETWORK, enable_dns_support=True, enable_dns_hostnames=True)
        exempt(vpc, "AwsSolutions-VPC7", "Nothing is routed here: the gateway says which names it has refused.")
        zones = settings.sandbox_zones or tuple(Fn.select(number, Fn.get_azs()) for number in range(len(_INSIDE)))
        inside = [
            self._subnet(vpc, f"Inside{number}", block, zone)
            for number, (block, zone) in enumerate(zip(_INSIDE, zones, strict=True), 1)
        ]
        machines = self._group(vpc, "Machines", "Sandboxes: to the gateway alone")
        gateway = self._group(
            vpc, "Gateway", "The gateway: from sandboxes, to any host on the port of https, and to ask for names"
        )
        self._allow(machines, gateway)
        self._gateway(vpc, gateway, zones[0])
        self._names(vpc)
        self.runtime = self._runtime(agent, machines, inside)

    def _group(self, vpc: aws_ec2.CfnVPC, name: str, about: str) -> aws_ec2.CfnSecurityGroup:
        """A group that lets nothing in, and nothing out but what is added: AWS allows all if no rule is given."""
        nothing = aws_ec2.CfnSecurityGroup.EgressProperty(
            ip_protocol="icmp", cidr_ip="127.0.0.1/32", from_port=252, to_port=86, description="Nothing"
        )
        return aws_ec2.CfnSecurityGroup(
            self, f"{name}Group", vpc_id=vpc.ref, group_description=f"Cadre: {about}", security_group_egress=[nothing]
        )

    def _allow(self, machines: aws_ec2.CfnSecurityGroup, gateway: aws_ec2.CfnSecurityGroup) -> None:
        https: dict[str, Any] = {"ip_protocol": "tcp", "from_port": 443, "to_port": 443}
        aws_ec2.CfnSecurityGroupEgress(
            self, "ToGateway", group_id=machines.attr_group_id, destination_security_group_id=gateway.attr_group_id, **https
        )
        aws_ec2.CfnSecurityGroupIngress(
            self, "FromMachines", group_id=gateway.attr_group_id, source_security_group_id=machines.attr_group_id, **https
        )
        aws_ec2.CfnSecurityGroupEgress(self, "ToPlatform", group_id=gateway.attr_group_id, cidr_ip="0.0.0.0/0", **https)
        aws_ec2.CfnSecurityGroupEgress(
            self, "ToNames", group_id=gateway.attr_group_id, cidr_ip="0.0.0.0/0", ip_protocol="udp", from_port=53, to_port=53
        )

    def _subnet(self, vpc: aws_ec2.CfnVPC, name: str, block: str, zone: str) -> aws_ec2.CfnSubnet:
        subnet = aws_ec2.CfnSubnet(self, name, vpc_id=vpc.ref, cidr_block=block, availability_zone=zone)
        # cfn-lint advises against named zones: AgentCore is not in each of them, so a deployment names those that it uses
        subnet.add_metadata("cfn-lint", {"config": {"ignore_checks": ["W3010"]}})
        return subnet

    def _gateway(self, vpc: aws_ec2.CfnVPC, group: aws_ec2.CfnSecurityGroup, zone: str) -> None:
        """The smallest instance, in the one subnet with a way out. It has no role, no key and no port but its own."""
        door = aws_ec2.CfnInternetGateway(self, "Door")
        attached = aws_ec2.CfnVPCGatewayAttachment(self, "DoorOfNetwork", vpc_id=vpc.ref, internet_gateway_id=door.ref)
        subnet = self._subnet(vpc, "Outside", _OUTSIDE, zone)
        table = aws_ec2.CfnRouteTable(self, "OutsideRoutes", vpc_id=vpc.ref)
        route = aws_ec2.CfnRoute(
            self, "WayOut", route_table_id=table.ref, destination_cidr_block="0.0.0.0/0", gateway_id=door.ref
        )
        route.add_resource_dependency(attached)
        aws_ec2.CfnSubnetRouteTableAssociation(self, "OutsideHasRoutes", subnet_id=subnet.ref, route_table_id=table.ref)
        instance = aws_ec2.CfnInstance(
            self,
            "GatewayInstance",
            image_id=_IMAGE,
            instance_type="t4g.nano",
            network_interfaces=[
                aws_ec2.CfnInstance.NetworkInterfaceProperty(
                    device_index="0",
                    subnet_id=subnet.ref,
                    group_set=[group.attr_group_id],
                    private_ip_address=GATEWAY_ADDRESS,
                    associate_public_ip_address=True,
                )
            ],
            block_device_mappings=[
                aws_ec2.CfnInstance.BlockDeviceMappingProperty(
                    device_name="/dev/xvda", ebs=aws_ec2.CfnInstance.EbsProperty(encrypted=True, volume_type="gp3")
                )
            ],
            metadata_options=aws_ec2.CfnInstance.MetadataOptionsProperty(http_tokens="required", http_put_response_hop_limit=1),
            user_data=base64.b64encode(user_data(names_of(self.settings)).encode()).decode(),
        )
        instance.add_resource_dependency(route)
        exempt(
            instance,
            "AwsSolutions-EC28",
            "A minute more until a figure shows costs nothing: nobody watches it but its sandboxes.",
        )
        exempt(instance, "AwsSolutions-EC29", "It holds nothing: a deployment makes another one.")

    def _names(self, vpc: aws_ec2.CfnVPC) -> None:
        """In this network the platform's names lead to the gateway, and nobody is asked for another one: no word goes out in a name."""
        names = names_of(self.settings)
        for number, name in enumerate(names, 1):
            zone = aws_route53.CfnHostedZone(
                self,
                f"Name{number}",
                name=name,
                vpcs=[aws_route53.CfnHostedZone.VPCProperty(vpc_id=vpc.ref, vpc_region=self.region)],
            )
            aws_route53.CfnRecordSet(
                self,
                f"Name{number}Address",
                hosted_zone_id=zone.ref,
                name=name,
                type="A",
                ttl="300",
                resource_records=[GATEWAY_ADDRESS],
            )
        known = aws_route53resolver.CfnFirewallDomainList(self, "KnownNames", domains=names)
        all_names = aws_route53resolver.CfnFirewallDomainList(self, "AllNames", domains=["*"])
        rule = aws_route53resolver.CfnFirewallRuleGroup.FirewallRuleProperty
        rules = aws_route53resolver.CfnFirewallRuleGroup(
            self,
            "NameRules",
            firewall_rules=[
                rule(action="ALLOW", firewall_domain_list_id=known.attr_id, priority=100),
                rule(action="BLOCK", block_response="NXDOMAIN", firewall_domain_list_id=all_names.attr_id, priority=200),
            ],
        )
        aws_route53resolver.CfnFirewallRuleGroupAssociation(
            self, "NameRulesOfNetwork", firewall_rule_group_id=rules.attr_id, vpc_id=vpc.ref, priority=101
        )

    def _runtime(
        self, agent: Path, group: aws_ec2.CfnSecurityGroup, subnets: list[aws_ec2.CfnSubnet]
    ) -> aws_bedrockagentcore.CfnRuntime:
        code = Asset(self, "Agent", path=str(agent))
        service = "bedrock-agentcore.amazonaws.com"
        ours = {"StringEquals": {"aws:SourceAccount": self.account}}
        trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole", "Condition": ours}
        statement = allow(["s3:GetObject"], f"arn:{self.partition}:s3:::{code.s3_bucket_name}/{code.s3_object_key}")
        role = aws_iam.CfnRole(
            self,
            "MachineRole",
            assume_role_policy_document={"Version": "2012-10-17", "Statement": [trust]},
            policies=[
                aws_iam.CfnRole.PolicyProperty(
                    policy_name="code", policy_document={"Version": "2012-10-17", "Statement": [statement]}
                )
            ],
        )
        runtime = aws_bedrockagentcore.CfnRuntime
        return runtime(
            self,
            "Runtime",
            agent_runtime_name=re.sub(r"\W", "_", self.settings.stack_name("sandboxes"))[:48],
            description="Cadre: sandboxes",
            role_arn=role.attr_arn,
            agent_runtime_artifact=runtime.AgentRuntimeArtifactProperty(
                code_configuration=runtime.CodeConfigurationProperty(
                    code=runtime.CodeProperty(
                        s3=runtime.S3LocationProperty(bucket=code.s3_bucket_name, prefix=code.s3_object_key)
                    ),
                    runtime=RUNTIME,
                    entry_point=[ENTRY],
                )
            ),
            network_configuration=runtime.NetworkConfigurationProperty(
                network_mode="VPC",
                network_mode_config=runtime.VpcConfigProperty(
                    security_groups=[group.attr_group_id], subnets=[subnet.ref for subnet in subnets]
                ),
            ),
            protocol_configuration="HTTP",
            lifecycle_configuration=runtime.LifecycleConfigurationProperty(
                idle_runtime_session_timeout=IDLE_SECONDS, max_lifetime=LIFETIME
            ),
            filesystem_configurations=[
                runtime.FilesystemConfigurationProperty(
                    session_storage=runtime.SessionStorageConfigurationProperty(mount_path=HOME)
                )
            ],
        )


def user_data(names: list[str]) -> str:
    """What the gateway's instance does at its first start. Its own resolver is a public one: that of the network leads to itself."""
    unit = f"""[Unit]
After=network-online.target
Wants=network-online.target
[Service]
ExecStart=/usr/bin/python3 /opt/forward.py {" ".join(names)}
DynamicUser=yes
AmbientCapabilities=CAP_NET_BIND_SERVICE
CapabilityBoundingSet=CAP_NET_BIND_SERVICE
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
MemoryMax=300M
LimitNOFILE=8192
Restart=always
RestartSec=1
[Install]
WantedBy=multi-user.target
"""
    resolver = "[Resolve]\nDNS=1.1.1.1 9.9.9.9\nDomains=~.\n"
    files = {
        "/opt/forward.py": FORWARD.read_text(),
        "/etc/systemd/system/forward.service": unit,
        "/etc/systemd/resolved.conf.d/public.conf": resolver,
        "/etc/systemd/network/10-gateway.network": "[Match]\nName=en*\n[Network]\nDHCP=ipv4\n[DHCPv4]\nUseDNS=no\n",
    }
    lines = ["#!/bin/bash", "set -eu"]
    for path, text in files.items():
        coded = base64.b64encode(text.encode()).decode()
        lines += [f"mkdir -p {Path(path).parent}", f"base64 -d > {path} <<'END'\n{coded}\nEND", f"chmod 644 {path}"]
    lines += [
        "systemctl restart systemd-networkd systemd-resolved",
        "systemctl daemon-reload",
        "systemctl enable --now forward.service",
    ]
    return "\n".join(lines) + "\n"
