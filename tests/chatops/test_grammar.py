"""One grammar for Slack, palette and command line: every verb, every alias, and no text that breaks it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatops.commands.arguments import (
    About,
    Accept,
    Affect,
    Assign,
    Cancel,
    Classify,
    Command,
    Declare,
    Decline,
    Drop,
    Duplicate,
    Export,
    FollowUp,
    HandOver,
    Help,
    Link,
    Listing,
    Note,
    OpenTicket,
    Page,
    Person,
    Search,
    Suggestion,
    TaskDone,
    Todo,
    Update,
)
from chatops.commands.phrases import BY_WORD, VERBS
from chatops.commands.sentence import parse
from chatops.commands.tokens import plain
from chatops.commands.vocabulary import ROLES

WORDS = [*BY_WORD, *ROLES, "INC-7", "#7", "sev1", "--service", "--env=prod", "<@U1|ben>", "@", '"', "—sev", "&amp;"]
WORDS += [
    "--at",
    "--next",
    "--private",
    "due",
    "2d",
    "caused_by",
    "detect",
    "matrix",
    "https://a.test",
    "false-positive",
]


@given(st.text(max_size=400), st.booleans())
def test_any_text_is_a_command_or_a_suggestion(text: str, escaped: bool) -> None:
    assert isinstance(parse(text, escaped=escaped), Command | Suggestion)


@given(st.lists(st.sampled_from(WORDS) | st.text(max_size=12), max_size=12).map(" ".join), st.booleans())
def test_any_shuffle_of_known_words_is_a_command_or_a_suggestion(text: str, escaped: bool) -> None:
    understood = parse(text, escaped=escaped)

    assert isinstance(understood, Command | Suggestion)
    if isinstance(understood, Suggestion):
        assert understood.problem


def test_every_example_is_understood_as_its_verb() -> None:
    for verb in VERBS:
        for example in verb.examples:
            understood = parse(example)
            assert isinstance(understood, Command), example
            assert understood.verb == verb.name, example


def test_no_word_names_two_verbs() -> None:
    words = [word for verb in VERBS for word in (verb.name, *verb.aliases)]

    assert len(words) == len(set(words))
    assert not set(words) & set(ROLES)


@pytest.mark.parametrize("word", [word for verb in VERBS for word in (verb.name, *verb.aliases)])
def test_help_knows_every_word(word: str) -> None:
    assert parse(f"help {word}") == Command("help", Help(BY_WORD[word].name))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("declare Checkout fails", Declare("Checkout fails")),
        ("new sev2 Checkout fails", Declare("Checkout fails", "SEV2", severity_said=True)),
        ("create Checkout fails SEV4", Declare("Checkout fails", "SEV4", severity_said=True)),
        ("open --sev 1 Checkout fails", Declare("Checkout fails", "SEV1", severity_said=True)),
        ("declare x --service checkout --env production", Declare("x", service="checkout", environment="production")),
        ('declare --service "checkout api" x', Declare("x", service="checkout api")),
        ("declare x —service “checkout api”", Declare("x", service="checkout api")),
        ("declare Checkout like the sev2 of May", Declare("Checkout like the sev2 of May")),
        ("declare rm --force took production down", Declare("rm --force took production down")),
        ("declare sev2 Errors — 40 percent", Declare("Errors — 40 percent", "SEV2", severity_said=True)),
    ],
)
def test_declare_reads_severity_flags_and_title(text: str, expected: Declare) -> None:
    assert parse(text) == Command("declare", expected)


@pytest.mark.parametrize(
    ("text", "verb", "expected"),
    [
        ("ack", "ack", About()),
        ("acknowledge INC-7", "ack", About(7)),
        ("ack 7", "ack", About(7)),
        ("inc-7 ack", "ack", About(7)),
        ("#7", "status", About(7)),
        ("mit", "mitigated", About()),
        ("mitigate INC-7 Traffic moved", "mitigated", About(7, "Traffic moved")),
        ("watch the error rate", "monitoring", About(None, "the error rate")),
        ("fixed", "resolved", About()),
        ("resolve INC-12 Quota raised", "resolved", About(12, "Quota raised")),
        ("INC-12 resolved Quota raised", "resolved", About(12, "Quota raised")),
        ("reopen INC-7 errors are back", "reopen", About(7, "errors are back")),
        ("update first line\nsecond  line", "update", Update("first line\nsecond line")),
        ("update --next 30m INC-7 Rolled back", "update", Update("Rolled back", 7, next="30m")),
        ("update Works again --customers", "update", Update("Works again", audience="CUSTOMER")),
        ("update We ran kill -9 --force", "update", Update("We ran kill -9 --force")),
        ("note Deploy began --at 14:05", "note", Note("Deploy began", at="14:05")),
        ("log INC-7 x —at 2026-11-20T14:05", "note", Note("x", 7, "2026-11-20T14:05")),
        ("decline ic On a plane", "decline", Decline("COMMANDER", "On a plane")),
        ("decline INC-7 scribe no", "decline", Decline("SCRIBE", "no", 7)),
        ("drop scribe INC-7", "drop", Drop("SCRIBE", 7)),
        ("release ic", "drop", Drop("COMMANDER")),
        ("who INC-7", "who", About(7)),
        ("impact most stopped all of Europe", "impact", Affect("MOST", "STOPPED", None, "all of Europe")),
        ("impact INC-7 some the trial customers", "impact", Affect("SOME", "", 7, "the trial customers")),
        ("matrix", "matrix", About()),
        ("title INC-7 Checkout fails in Europe", "title", About(7, "Checkout fails in Europe")),
        ("type database", "type", About(None, "database")),
        ("page @ben The replica lags", "page", Page(Person(name="ben"), "", "The replica lags")),
        ("escalate INC-7 service:payments", "page", Page(None, "payments", "", 7)),
        ("page group:OnCall down", "page", Page(team="@OnCall", reason="down", group="@oncall")),
        ("page INC-7 ic", "page", Page(incident=7, role="COMMANDER")),
        ("call roles now", "page", Page(reason="now", role="HOLDERS")),
        ("page responders", "page", Page(role="RESPONDERS")),
        ("pm INC-7", "postmortem", About(7)),
        ("export pdf", "export", Export("pdf")),
        ("export package INC-7", "export", Export("package", 7)),
        ("sev matrix", "matrix", About()),
        ("task Call the provider @ben due 2h", "task", Todo("Call the provider", Person(name="ben"), None, "2h")),
        ("task When is it due", "task", Todo("When is it due")),
        (
            "followup INC-7 Alert on lag @ben detect due 2026-12-01",
            "followup",
            FollowUp("Alert on lag", Person(name="ben"), 7, "2026-12-01", "DETECT"),
        ),
        ("action Write the runbook", "followup", FollowUp("Write the runbook")),
        ("link INC-9", "link", Link("INC-9")),
        ("link INC-7 INC-9 caused-by", "link", Link("INC-9", "CAUSED_BY", 7)),
        ("link INC-7 https://t.example/1", "link", Link("https://t.example/1", "", 7)),
        ("link service:checkout", "link", Link("service:checkout")),
        ("ticket A-3", "ticket", OpenTicket(3)),
        ("ticket INC-7", "ticket", OpenTicket(incident=7)),
        ("issue INC-7 a3 in Operations team", "ticket", OpenTicket(3, "Operations team", 7)),
        ("ticket A-3 INC-7", "ticket", OpenTicket(3, incident=7)),
        ("ticket Operations", "ticket", OpenTicket(tracker="Operations")),
        ("inc-7 ticket A-3", "ticket", OpenTicket(3, incident=7)),
        ("tickets 7", "tickets", About(7)),
        ("deadlines", "clock", About()),
        ("cost 7", "cost", About(7)),
        ("find INC 9 replica", "find", Search("INC 9 replica")),
        ("false-positive The probe broke", "cancel", Cancel("FALSE_POSITIVE", "The probe broke")),
        ("known_issue INC-7 x", "cancel", Cancel("KNOWN_ISSUE", "x", 7)),
        ("decide INC-7 no failover", "decide", About(7, "no failover")),
        ("sev 1", "classify", Classify("SEV1")),
        ("severity INC-7 sev2 all regions", "classify", Classify("SEV2", 7, "all regions")),
        ("classify sev2 INC-7 all regions", "classify", Classify("SEV2", 7, "all regions")),
        ("assign ic @ben", "assign", Assign("COMMANDER", Person(name="ben"))),
        ("assign @ben commander INC-7", "assign", Assign("COMMANDER", Person(name="ben"), 7)),
        ("role scribe me", "assign", Assign("SCRIBE")),
        ("comms @cora", "assign", Assign("COMMUNICATIONS", Person(name="cora"))),
        ("ops", "assign", Assign("OPERATIONS")),
        ("accept", "accept", Accept()),
        ("accept INC-7 ic", "accept", Accept("COMMANDER", 7)),
        ("accept scribe INC-7", "accept", Accept("SCRIBE", 7)),
        ("handover ic @cora note this", "handover", HandOver("COMMANDER", Person(name="cora"), "note this")),
        ("task INC-7 Check lag @ben", "task", Todo("Check lag", Person(name="ben"), 7)),
        ("todo Mail a@b.test", "task", Todo("Mail a@b.test")),
        ("tasks", "tasks", About()),
        ("done 2", "done", TaskDone(2)),
        ("done INC-7 #2", "done", TaskDone(2, 7)),
        ("cancel INC-7 false_positive the probe", "cancel", Cancel("FALSE_POSITIVE", "the probe", 7)),
        ("dup of INC-7", "duplicate", Duplicate(7)),
        ("duplicate INC-8 of INC-7", "duplicate", Duplicate(7, 8)),
        ("list", "list", Listing()),
        ("ls MINE", "list", Listing("mine")),
        ("", "help", Help()),
        ("  \t ", "help", Help()),
        ("ACK!", "ack", About()),
    ],
)
def test_a_sentence_is_read(text: str, verb: str, expected: object) -> None:
    assert parse(text) == Command(verb, expected)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "problem", "nearest"),
    [
        ("declair x", "There is no verb “declair”.", "declare"),
        ("mitigatd", "There is no verb “mitigatd”.", "mitigated"),
        ("commandr @ben", "There is no verb “commandr”.", "assign"),
        ("help clasify", "There is no verb “clasify”.", "help classify"),
        ("sev1 Checkout is down", "“sev1” alone does not say what to do.", "declare sev1 Checkout is down"),
        ("declare --sevice a x", "There is no flag --sevice.", "--service"),
        ("assign scrib @ben", "“scrib” is neither a role nor a person.", "scribe"),
        ("page ben", "“ben” names nobody. Write @ben, group:oncall, ic, or service:payments.", "page group:ben"),
        ("page scrbe", "“scrbe” names nobody. Write @ben, group:oncall, ic, or service:payments.", "page scribe"),
        ("export pfd", "“pfd” is not one of pdf, md, json, package.", "export pdf"),
        ("drop scrib", "“scrib” is not a role.", "scribe"),
        ("impact mst", "“mst” is not one of none, one, some, most, all.", "most"),
        ("update x --intrnal", "There is no flag --intrnal.", "--internal"),
        ("link INC-7 INC-9 cause_by", "“cause_by” does not say how. Write related or caused_by.", "caused_by"),
        ("list sev5", "There is no list “sev5”.", "list sev4"),
    ],
)
def test_a_near_miss_gets_the_nearest(text: str, problem: str, nearest: str) -> None:
    understood = parse(text)

    assert isinstance(understood, Suggestion)
    assert understood.problem == problem
    assert understood.nearest[0] == nearest


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("declare", "Say what is broken: that becomes the incident's title."),
        ("declare sev1", "Say what is broken: that becomes the incident's title."),
        ("declare x --service", "--service needs a value: --service name."),
        ("declare x --service a --service b", "--service is there twice."),
        ("declare x --sev 9", "Say the severity: sev1, sev2, sev3 or sev4."),
        ("classify", "Say the severity: sev1, sev2, sev3 or sev4."),
        ("assign @ben", "Say which role: ic, deputy, comms, ops, scribe or privacy."),
        ("done", "Say which task by its number: tasks lists them."),
        ("done it", "“it” is not a task. Write its number, for example done 2."),
        ("task @ben", "Say what is to be done."),
        ("handover ic", "Say which role, who gets it, and what they must know: ic @cora The rollback runs."),
        ("duplicate", "Say of which incident: duplicate of INC-7."),
        ("duplicate x", "“x” does not name incidents. Write duplicate INC-8 of INC-7."),
        ("update", "Say what is new."),
        ("update --next soon x", "“soon” does not say in how long the next update comes. Write 30m, 2h or 3d."),
        ("note", "Say what you observed."),
        ("note x --at 25:00", "“25:00” does not say when. Write 14:05 or 2026-12-01T14:05, in UTC."),
        ("task x due someday", "“someday” does not say until when. Write 2h, 3d or 2026-12-01."),
        ("task x due 2026-02-30", "“2026-02-30” does not say until when. Write 2h, 3d or 2026-12-01."),
        ("decline ic", "Say which role you decline, and why: decline ic I am on a plane."),
        ("drop", "Say which role you give back: drop scribe."),
        ("impact", "Say who is hit: none, one, some, most, all."),
        ("matrix please", "“please” does not belong here."),
        ("followup @ben due 2d", "Say what is to be done afterwards."),
        ("link", "Say to what: INC-9, an address, or service:checkout."),
        ("link it", "“it” is nothing to link to. Name INC-9, an address, or service:checkout."),
        ("ticket", "Say about what: INC-7, or one of its action items, A-3."),
        ("find", "Say which words to look for."),
        ("update INC-7", "Say what is new."),
        ("decide", "Say what was decided, and why."),
        ("reopen INC-7", "Say why it is open again."),
        ("status of the thing", "“of the thing” is not an incident. Write its code, for example INC-7."),
    ],
)
def test_a_sentence_with_something_missing_says_what(text: str, problem: str) -> None:
    understood = parse(text)

    assert isinstance(understood, Suggestion)
    assert understood.problem == problem
    assert understood.verb


def test_escaped_people_are_read_by_id_and_texts_become_plain() -> None:
    assigned = parse("assign ic <@U123|Ben Smith>", escaped=True)
    declared = parse("declare &lt;b&gt; &amp;amp; <#C1|general> <@U1|ben> <http://a.test|a.test>", escaped=True)

    assert assigned == Command("assign", Assign("COMMANDER", Person(id="U123")))
    assert declared == Command("declare", Declare("<b> &amp; #general @ben http://a.test"))


def test_an_escaped_angle_bracket_is_not_a_mention() -> None:
    understood = parse("assign ic &lt;@U123&gt;", escaped=True)

    assert isinstance(understood, Suggestion)


def test_plain_keeps_a_link_whose_label_hides_its_target() -> None:
    assert plain("<https://evil.test/x|https://bank.test>") == "https://bank.test (https://evil.test/x)"


def test_invisible_controls_are_taken_out_of_titles() -> None:
    understood = parse("declare ab\u202ecd\x00ef\x1b[31m \u2066שלום\u2069")

    assert understood == Command("declare", Declare("abcd ef [31m שלום"))


def test_ten_thousand_characters_are_read_whole() -> None:
    understood = parse("update " + "x" * 10_000)

    assert isinstance(understood, Command)
    assert isinstance(understood.args, Update)
    assert len(understood.args.text) == 10_000


@pytest.mark.fault("field-F10")
@pytest.mark.parametrize(
    ("said", "severity", "title"),
    [
        ("SEV1: Payments lost", "SEV1", "Payments lost"),
        ("SEV-1 Payments lost", "SEV1", "Payments lost"),
        ("sev 1 Payments lost", "SEV1", "Payments lost"),
        ("sev_2, Payments lost", "SEV2", "Payments lost"),
        ("[SEV1] Payments lost", "SEV1", "Payments lost"),
        ("severity 2 - Payments lost", "SEV2", "Payments lost"),
        ("SEV1:Payments lost", "SEV1", "Payments lost"),
        ("P1 Payments lost", "SEV1", "Payments lost"),
        ("p0: Payments lost", "SEV1", "Payments lost"),
        ("P-3 Payments lost", "SEV3", "Payments lost"),
        ("Payments lost SEV-2", "SEV2", "Payments lost"),
        ("Payments lost (sev 4)", "SEV4", "Payments lost"),
        ("Payments lost --sev P2", "SEV2", "Payments lost"),
        ('Payments lost --sev "sev 1"', "SEV1", "Payments lost"),
    ],
)
def test_a_severity_is_understood_as_people_write_it(said: str, severity: str, title: str) -> None:
    parsed = parse(f"declare {said}", escaped=True)

    assert isinstance(parsed, Command)
    assert isinstance(parsed.args, Declare)
    assert (parsed.args.severity, parsed.args.severity_said, parsed.args.title) == (severity, True, title)


@pytest.mark.fault("field-F10")
@pytest.mark.parametrize("said", ["SEV0 Payments lost", "sev 7: Payments lost", "Payments lost sev9"])
def test_a_severity_that_does_not_exist_is_asked_about_and_never_a_title(said: str) -> None:
    assert isinstance(parse(f"declare {said}", escaped=True), Suggestion)


@pytest.mark.parametrize("said", ["several pods lost", "P95 latency is up", "Lost pod P1", "Seven services slow"])
def test_what_only_looks_like_a_severity_is_the_title(said: str) -> None:
    parsed = parse(f"declare {said}", escaped=True)

    assert isinstance(parsed, Command)
    assert isinstance(parsed.args, Declare)
    assert (parsed.args.severity_said, parsed.args.title) == (False, said)


@pytest.mark.fault("field-F10")
@pytest.mark.parametrize(
    "said", ["sev-1 INC-7 it spreads", "INC-7 sev 1 it spreads", "P1: INC-7 it spreads", "1 INC-7 it spreads"]
)
def test_a_severity_is_changed_as_people_write_it(said: str) -> None:
    assert parse(f"classify {said}", escaped=True) == Command("classify", Classify("SEV1", 7, "it spreads"))


@pytest.mark.fault("field-F11")
@pytest.mark.parametrize("marks", ['""', "“”", "„“", "„”", "«»", "»«", "‘’", "‚‘", "''", "‹›", "””", "「」"])
@pytest.mark.parametrize("flag", ["--service ", "--service=", "—service "])
def test_an_option_is_quoted_as_any_keyboard_does(flag: str, marks: str) -> None:
    parsed = parse(f"declare sev3 Bestellungen {flag}{marks[0]}payments api{marks[1]} hängen", escaped=True)

    assert isinstance(parsed, Command)
    assert isinstance(parsed.args, Declare)
    assert (parsed.args.service, parsed.args.title) == ("payments api", "Bestellungen hängen")


@pytest.mark.fault("field-F11")
@pytest.mark.parametrize(
    ("value", "service"), [("‘Ben’s api’", "Ben’s api"), ("'Ben's api'", "Ben's api"), ("o'neill", "o'neill")]
)
def test_an_apostrophe_closes_no_quotation(value: str, service: str) -> None:
    parsed = parse(f"declare Down --service {value} again", escaped=True)

    assert isinstance(parsed, Command)
    assert isinstance(parsed.args, Declare)
    assert (parsed.args.service, parsed.args.title) == (service, "Down again")


@pytest.mark.fault("field-F11")
@pytest.mark.parametrize("mark", ['"', "„", "“", "«"])
def test_a_quotation_that_is_not_closed_is_asked_about(mark: str) -> None:
    assert isinstance(parse(f"declare Down --service {mark}payments api", escaped=True), Suggestion)
