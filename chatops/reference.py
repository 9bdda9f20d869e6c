"""docs/reference/slack-commands.md, written from the vocabulary so that it cannot lie. A test compares them."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from chatops.commands.phrases import VERBS, Verb, usage_of
from chatops.commands.vocabulary import DEFAULT_SEVERITY, FLAGS, LISTS, ROLES
from chatops.slack.actions.events import MARKS
from chatops.slack.workspace.manifest import BOT_EVENTS, SCOPES

COMMAND = "/incident"

_INTRODUCTION = f"""# Slack commands

Written by `manage.py slack_reference --write` from `chatops/commands/vocabulary.py`; do not edit it by hand.

One command, `{COMMAND}` unless the manifest names it otherwise. The console's palette reads the same sentences.

- An incident is named by its code, `INC-7`. It may be left out when only one is active, or when you hold a role in
  one: then the newest of those is meant. In all other cases Conductor asks which one, and changes nothing.
- Declarations and moves of the status are answered in the channel, everything else to you alone.
- A refusal names every reason at once and changes nothing.
- A verb that takes more opens its form when it is sent alone, filled in with what was given.
- In an incident's channel that incident is meant. The command alone shows its control panel there; elsewhere your work.
- A sentence that is not understood gets the nearest one that would be, and changes nothing.
"""


def reference_path() -> Path:
    """Return where the page is kept."""
    return Path(settings.BASE_DIR) / "docs" / "reference" / "slack-commands.md"


def reference_page() -> str:
    """Return the page."""
    return "\n".join([_INTRODUCTION, *map(_verb, VERBS), _words(), _marks(), _scopes()])


def _verb(verb: Verb) -> str:
    examples = "\n".join(f"    {COMMAND} {example}" for example in verb.examples)
    aliases = f"Also: {', '.join(f'`{alias}`' for alias in verb.aliases)}.\n\n" if verb.aliases else ""
    return f"## {verb.name}\n\n`{usage_of(verb, command=COMMAND)}`\n\n{verb.summary}\n\n{aliases}{examples}\n"


def _words() -> str:
    roles = "\n".join(f"| `{word}` | {role.capitalize()} |" for word, role in ROLES.items())
    flags = "\n".join(f"| `--{flag}` | {argument} |" for flag, argument in FLAGS.items())
    return (
        f"## Roles\n\n| word | role |\n|---|---|\n{roles}\n\n"
        f"## Flags of declare\n\n| flag | sets |\n|---|---|\n{flags}\n\n"
        f"`sev1` to `sev4` may stand before or after the title. Without one the incident is {DEFAULT_SEVERITY}.\n\n"
        f"## Lists\n\n{', '.join(f'`{each}`' for each in LISTS)}\n"
    )


def _marks() -> str:
    rows = "\n".join(f"| `:{emoji}:` | {mark} |" for emoji, mark in MARKS.items())
    heard = ", ".join(f"`{each}`" for each in BOT_EVENTS)
    return (
        "## Messages onto the timeline\n\n"
        "In an incident's channel a pin or one of these emoji, by somebody who may respond, puts the message on the "
        "timeline in its author's words. Later edits, deletions and removed marks are noted there; the words stay. "
        "Elsewhere, and in threads, use the message shortcut *Add to an incident*.\n\n"
        f"| emoji | kept as |\n|---|---|\n{rows}\n\n"
        f"Slack tells us of: {heard}. Of messages only those in incidents' channels are kept.\n"
    )


def _scopes() -> str:
    rows = "\n".join(f"| `{scope}` | {purpose} |" for scope, purpose in SCOPES.items())
    return f"## Scopes of the Slack app\n\n| scope | for |\n|---|---|\n{rows}\n"
