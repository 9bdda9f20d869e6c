"""What went wrong at Northwind Payments in a year: invented, each with a cause that fits its service.

Services and dependencies are those of the topology; nothing here happened anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Scenario:
    """An incident as the company's log tells it."""

    severity: str
    service: str
    type: str
    minutes: int
    """From declaration to resolution."""
    title: str
    seen: str
    """What was seen first, and who was hit."""
    cause: str
    fix: str
    """What ended the harm."""
    also: tuple[str, ...] = ()
    """Other services that it hit."""


SCENARIOS = (
    Scenario("SEV1", "payments-api", "database", 74, "Card payments fail for most merchants",
             "Four in five authorisations time out; merchants see “try again later” at the till.",
             "A migration took a lock on payments-db that every authorisation needed.",
             "The migration was cancelled and the queue of waiting transactions drained.", ("checkout-web",)),
    Scenario("SEV1", "identity", "certificate", 51, "Nobody can sign in to the merchant portal",
             "Sign-in answers with an error for all merchants and for our own support staff.",
             "The certificate between identity and hsm-proxy had expired; its renewal job was switched off in spring.",
             "A new certificate was issued and loaded by hand.", ("merchant-portal",)),
    Scenario("SEV2", "ledger-core", "queue", 96, "Ledger postings run forty minutes late",
             "Balances in the portal are old; no money is lost, payouts wait.",
             "Consumers of ledger-events stopped after a rollout changed the name of their group.",
             "The rollout was taken back and the backlog worked off.", ("payout-batch",)),
    Scenario("SEV2", "payout-batch", "scheduling", 142, "The morning's payouts did not start",
             "Some 340 merchants expected money by nine and have none.",
             "The batch took the bank holiday of another country for ours.",
             "The batch was started by hand with the right calendar.", ("bank-connector",)),
    Scenario("SEV2", "card-router", "third party", 58, "Acquirer Beta declines every third card",
             "Cards of two issuers are declined without a reason since a quarter past.",
             "Acquirer Beta had changed a field of its answer without notice.",
             "Traffic was routed to Acquirer Alpha until Beta took its change back.", ("acquirer-beta",)),
    Scenario("SEV2", "threeds-server", "capacity", 44, "Card holders wait a minute for their bank's question",
             "One payment in six is given up before the bank has asked.",
             "All connections to card-vault were taken by a report that ran at noon.",
             "The report was ended; the pool of connections is separate now.", ("card-vault",)),
    Scenario("SEV2", "webhook-dispatcher", "queue", 117, "Webhooks to merchants arrive two hours late",
             "Shops do not learn that they were paid and hold back their parcels.",
             "One merchant's endpoint answered after 30 s each time and held all the senders.",
             "The endpoint was paused; slow receivers have senders of their own now."),
    Scenario("SEV2", "edge-gateway", "configuration", 26, "A tenth of all requests is answered with 502",
             "Errors are spread over all merchants and all paths.",
             "One of the ten gateways had been given an old list of upstream addresses.",
             "The gateway was taken out and configured again.", ("public-api",)),
    Scenario("SEV2", "fx-rates", "third party", 83, "Exchange rates are from yesterday",
             "Payments in foreign currencies are priced at old rates; pricing is paused for four currencies.",
             "The feed had moved to another address and answered the old one with its last file.",
             "The new address was set and the affected quotes were reissued.", ("fx-feed", "settlement")),
    Scenario("SEV2", "settlement", "data", 205, "Settlement files of two acquirers do not add up",
             "The difference is 0.4 per cent; the files were held back.",
             "Refunds that cross midnight were counted on both days.",
             "The files were made again from the ledger and compared.", ("file-encoder",)),
    Scenario("SEV2", "risk-engine", "deployment", 37, "Too many payments go to manual review",
             "Thirty times the usual number waits for a person.",
             "A new model read an empty feature as zero.",
             "The model before was put back.", ("feature-store",)),
    Scenario("SEV3", "search-index", "capacity", 63, "Search in the portal finds nothing of today",
             "Merchants find older payments only.",
             "The index ran out of disk and refused writes.",
             "Old indexes were dropped and the day was indexed again.", ("merchant-portal",)),
    Scenario("SEV3", "reporting-api", "database", 88, "Monthly reports end in a timeout",
             "Merchants with many payments cannot download their report.",
             "A query lost its index when the table was partitioned.",
             "The index was built on every partition."),
    Scenario("SEV3", "email-relay", "third party", 131, "Receipts reach one mail provider hours late",
             "Receipts to one provider wait in the queue, all others arrive.",
             "The provider slowed us down after a merchant's newsletter went through our address.",
             "The newsletter was stopped and the queue was sent over another address.", ("notify-worker",)),
    Scenario("SEV3", "merchant-portal", "deployment", 41, "The refund button does nothing",
             "Refunds cannot be made in the portal; the API works.",
             "A script was cached for a year under a name that did not change.",
             "The script was given a new name."),
    Scenario("SEV3", "event-pipeline", "capacity", 72, "Events are half an hour behind",
             "Dashboards and webhooks lag; payments do not.",
             "One partition took all events of the largest merchant.",
             "The key of the partitions was changed.", ("warehouse-loader",)),
    Scenario("SEV3", "warehouse-loader", "data", 168, "Yesterday is missing from the warehouse",
             "Finance's morning figures are incomplete.",
             "A column had been renamed at its source.",
             "The load was mended and run again."),
    Scenario("SEV3", "disputes", "third party", 94, "Evidence for disputes cannot be uploaded",
             "Eleven merchants could not answer in time; deadlines were extended by the schemes.",
             "The bucket's policy was tightened without the uploader's role.",
             "The role was added to the policy.", ("document-store",)),
    Scenario("SEV3", "kyc", "third party", 156, "New merchants wait for their identity check",
             "No new merchant is approved since the morning.",
             "The provider's test address was in the production settings after a rehearsal.",
             "The setting was put back and the waiting checks were sent.", ("merchant-accounts",)),
    Scenario("SEV3", "session-store", "capacity", 33, "People are signed out after minutes",
             "Merchants sign in again and again.",
             "The cache was full and dropped sessions before older things.",
             "Sessions have a cache of their own now.", ("identity",)),
    Scenario("SEV3", "invoicing", "data", 109, "Invoices show the wrong rate of VAT",
             "About 1,200 invoices of one country; none was sent yet.",
             "A rate that changed on the first was loaded as of the second.",
             "The invoices were made again before they were sent.", ("pricing",)),
    Scenario("SEV3", "rate-limiter", "configuration", 29, "A large merchant is refused at the API",
             "One merchant is answered with 429 in its sale.",
             "Its higher limit had lapsed at the end of the quarter.",
             "The limit was set again, with a reminder before it lapses.", ("edge-gateway",)),
    Scenario("SEV3", "bin-lookup", "data", 47, "Cards of a new bank are taken for foreign ones",
             "Payers of one bank see a fee that does not apply.",
             "The list of card ranges was a month old: its download had failed quietly.",
             "The list was loaded, the fees were returned, and the download alarms now.", ("card-router",)),
    Scenario("SEV4", "partner-sandbox", "deployment", 210, "The sandbox answers with yesterday's version",
             "Partners who test the new fields do not find them.",
             "The nightly deployment to the sandbox was stuck behind an approval.",
             "The deployment was approved."),
    Scenario("SEV4", "backup-agent", "capacity", 320, "The nightly backup took until noon",
             "No customer is hit; the next window was nearly missed.",
             "A bucket in another region was used by mistake.",
             "The region was put right and the backup ran again in 40 minutes.", ("document-store",)),
    Scenario("SEV4", "metrics-proxy", "configuration", 58, "Graphs of staging are empty",
             "Engineers see no metrics of staging.",
             "A label was dropped by a new rule.",
             "The rule was narrowed."),
    Scenario("SEV4", "mobile-bff", "deployment", 77, "Icons are missing in an older app",
             "The app before the last shows empty squares; it works.",
             "The images were moved without a redirect.",
             "A redirect was added."),
    Scenario("SEV4", "feature-flags", "configuration", 25, "A hidden menu entry was seen for half an hour",
             "Forty merchants saw an entry that leads nowhere.",
             "A flag was switched on for everybody in place of our own staff.",
             "The flag was switched off."),
)  # fmt: skip
