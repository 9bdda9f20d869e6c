"""VERIFY.md: how to check a pack with its script, and without it, by commands that every Unix has.

The commands are run by the tests, as they stand in the text.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from string import Template
from typing import Final

from conductor.ledger.keys import PublicKey

_TEXT: Final = Template(r"""# How to verify this pack

$name: $title

This pack can be verified offline, without the system that made it and without trusting its makers' word.
You need Python 3.9 or later and `openssl` 3 or later. In this folder, run:

    python3 verify.py .

or, on the ZIP as you received it (which also checks the archive itself, byte for byte):

    python3 verify.py $name.zip

The last line says VERIFIED or NOT VERIFIED, and the exit status is 0 or 1. If a single byte of any file was
changed, the output names the file. What was *not* checked is listed as such.

A forged pack may bring a forged script. If that is a concern, use a `verify.py` that you got elsewhere (from an
earlier pack, or from the makers of Maestro Conductor), read it, or do without it as shown below.

## The keys

A pack brings the public keys that it was signed with, but whoever forges a pack can bring keys too. Get these
fingerprints from somewhere else (the organisation itself, an earlier pack, your own notes) and compare:

    seal key   sha256:$seal
    log key    sha256:$log

Better, let the script compare them: add `--seal-key-fingerprint` and `--log-key-fingerprint`, each with the
value that you got elsewhere.

## Without the script

The same checks by hand, in this folder, in one shell. On macOS write `shasum -a 256` for `sha256sum`.

1. The bag (BagIt 1.0) is whole:

```sh
export LC_ALL=C
W=$$(mktemp -d)
sha256sum -c --quiet manifest-sha256.txt
sha256sum -c --quiet tagmanifest-sha256.txt
```

2. The pack's receipt is signed. It is a DSSE envelope; what is signed is its type and payload with their lengths:

```sh
sed 's/.*"payload":"\([^"]*\)".*/\1/' provenance/pack.dsse.json | base64 -d > "$$W/payload"
sed 's/.*"sig":"\([^"]*\)".*/\1/' provenance/pack.dsse.json | base64 -d > "$$W/signature"
printf 'DSSEv1 28 application/vnd.in-toto+json %d ' $$(($$(wc -c < "$$W/payload"))) | cat - "$$W/payload" > "$$W/signed"
openssl pkey -pubin -in trust/seal.pub.pem -outform DER | sha256sum   # compare with the seal key above
openssl $seal_command
```

3. The receipt vouches for every file, and there is no other. The four that could only be made after it, and are
   checked by the other steps, are left out:

```sh
sed 's/.*"subject":\[//' "$$W/payload" | grep -o '"sha256":"[0-9a-f]*"},"name":"[^"]*"' |
    sed 's/"sha256":"\([0-9a-f]*\)"},"name":"\([^"]*\)"/\1  \2/' > "$$W/sums"
sha256sum -c --quiet "$$W/sums"
printf '%s\n' $dependent > "$$W/rest"
cut -c 67- "$$W/sums" | cat - "$$W/rest" | sort > "$$W/listed"
find . -type f | sed 's|^\./||' | sort | diff "$$W/listed" -
```

4. The log's checkpoint is signed (a C2SP signed note; origin, size and root are its first three lines):

```sh
head -n 3 provenance/checkpoint.txt > "$$W/text"
tail -n 1 provenance/checkpoint.txt | cut -d ' ' -f 3 | base64 -d | tail -c 64 > "$$W/note"
openssl pkey -pubin -in trust/log.pub.pem -outform DER | sha256sum   # compare with the log key above
openssl pkeyutl -verify -pubin -inkey trust/log.pub.pem -rawin -in "$$W/text" -sigfile "$$W/note"
```

5. The log contains the receipt: its entry holds the digest of what was signed, and the audit path leads from the
   entry to the checkpoint's root (RFC 9162, section 2.1.3.2):

```sh
sed 's/^{"entries":\[{\([^}]*\)}.*/\1/' provenance/pack.proof.json > "$$W/proof"
sed 's/.*"canonicalizedBody":"\([^"]*\)".*/\1/' "$$W/proof" | base64 -d > "$$W/entry"
grep -q "$$(openssl dgst -sha256 -binary "$$W/signed" | base64)" "$$W/entry"
index=$$(sed 's/.*"logIndex":"\([0-9]*\)".*/\1/' "$$W/proof")
last=$$(($$(sed -n 2p provenance/checkpoint.txt) - 1))
{ printf '\000'; cat "$$W/entry"; } | openssl dgst -sha256 -binary > "$$W/hash"
for step in $$(sed 's/.*"hashes":\[\([^]]*\)\].*/\1/' "$$W/proof" | tr -d '"' | tr ',' ' '); do
    echo "$$step" | base64 -d > "$$W/step"
    if [ $$((index % 2)) -eq 1 ] || [ "$$index" -eq "$$last" ]; then
        { printf '\001'; cat "$$W/step" "$$W/hash"; } | openssl dgst -sha256 -binary > "$$W/next"
        while [ $$((index % 2)) -eq 0 ] && [ "$$index" -gt 0 ]; do index=$$((index / 2)) last=$$((last / 2)); done
    else
        { printf '\001'; cat "$$W/hash" "$$W/step"; } | openssl dgst -sha256 -binary > "$$W/next"
    fi
    mv "$$W/next" "$$W/hash"
    index=$$((index / 2)) last=$$((last / 2))
done
[ "$$last" -eq 0 ]
[ "$$(base64 < "$$W/hash")" = "$$(sed -n 3p provenance/checkpoint.txt)" ] && echo "the log contains it"
```
$stamps
## What this proves, and what it does not

It proves that these files are the ones that the holder of the seal key signed, and that the signature is in the
log whose state the checkpoint describes. It does not prove that what was recorded is true, nor that everything
was recorded. Against the holder of the keys, the records are safe only up to the newest checkpoint, or notary's
token, that was in somebody else's hands before.
""")

_STAMP: Final = Template(r"""
The time-stamping authority's token `$name` says when it saw manifest.json. Let `TSA_ROOT` be the path of the
authority's root certificate, which you got from the authority:

```sh
openssl ts -verify -digest "$$(sha256sum < manifest.json | cut -c 1-64)" -in provenance/notary/$name.tsr \
    -CAfile "$$TSA_ROOT" -attime $moment
```
""")

_ECDSA: Final = 'dgst -sha256 -verify trust/seal.pub.pem -signature "$W/signature" "$W/signed"'
_ED25519: Final = 'pkeyutl -verify -pubin -inkey trust/seal.pub.pem -rawin -in "$W/signed" -sigfile "$W/signature"'


def text(
    *,
    name: str,
    title: str,
    seal_key: PublicKey,
    log_key: PublicKey,
    dependent: frozenset[str],
    stamps: Mapping[str, datetime],
) -> str:
    """Return VERIFY.md of the pack `name`.

    `dependent` are the files that the pack's receipt cannot vouch for; `stamps` gives each RFC 3161 token's
    name and time.
    """
    shown = "".join(
        _STAMP.substitute(name=each, moment=int(moment.timestamp())) for each, moment in sorted(stamps.items())
    )
    return _TEXT.substitute(
        name=name,
        title=" ".join(title.split()),
        seal=seal_key.fingerprint,
        log=log_key.fingerprint,
        seal_command=_ED25519 if seal_key.details == "PKIX_ED25519" else _ECDSA,
        dependent=" ".join(sorted(dependent)),
        stamps=shown,
    )
