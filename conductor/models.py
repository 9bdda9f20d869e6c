"""Gathers the models of the subpackages, so that Django finds them under one app and one migration chain."""

from conductor.api.models import IdempotentResponse
from conductor.engine.models import Run, Share, Signal, Step, Try
from conductor.graph.models import Edge, Node
from conductor.ledger.models import Checkpoint, Receipt, SigningKey, Tile
from conductor.metering.models import MeterEvent, PriceBook
from conductor.policy.models import PolicyBundle, PolicyDecision, PolicySimulation, TenantPolicy
from conductor.tenancy.invitations import Invitation
from conductor.tenancy.models import ApiToken, Environment, Membership, NumberSeries, SignInLink, Tenant

__all__ = [
    "ApiToken",
    "Checkpoint",
    "Edge",
    "Environment",
    "IdempotentResponse",
    "Invitation",
    "Membership",
    "MeterEvent",
    "Node",
    "NumberSeries",
    "PolicyBundle",
    "PolicyDecision",
    "PolicySimulation",
    "PriceBook",
    "Receipt",
    "Run",
    "Share",
    "SignInLink",
    "Signal",
    "SigningKey",
    "Step",
    "Tenant",
    "TenantPolicy",
    "Tile",
    "Try",
]
