"""VERIFY.md: how to check a pack with its script, and without it, by commands that every Unix has.

The commands are run by the tests, as they stand in the text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from string import Template
from typing import Final

from conductor.ledger.keys.keys import PublicKey
from evidence.pack_format.verify import PACK_ACTION, SEAL_ACTION

_TEXT: Final = Template(r"""# How to verify this pack

$name: $title

This pack can be verified offline, without the system that made it and without trusting its makers' word.
You need Python 3.9 or later and `openssl` 3 or later. Put the ZIP into an empty folder and unpack it there. Then, in
that folder:

    python3 $name/verify.py $name.zip

On Windows write `py` for `python3`; `openssl` comes with Git for Windows, where the script looks for it. To check the
extracted files instead of the ZIP, name the folder: `python3 $name/verify.py $name`.

The last line is the verdict:

| verdict | exit status | meaning |
|---|---|---|
| VERIFIED | 0 | every check passed, and the keys are the ones whose fingerprints you named |
| CONSISTENT, SIGNER UNKNOWN | 3 | everything fits together, but you named no keys: it may be a forgery as a whole |
| NOT VERIFIED | 1 | something was changed, and the output names the file |
| could not run | 2 | nothing is known: for instance, `openssl` is missing |

What was *not* checked is listed as such.

A forged pack may bring a forged script. If that is a concern, use a `verify.py` that you got elsewhere (from an
earlier pack, or from the makers of Maestro Conductor), read it, or do without it as shown below.

## The keys

A pack brings the public keys that it was signed with, and a forged pack brings the forger's. Get these fingerprints
from somewhere else (the organisation itself, an earlier pack, your own notes) and compare:

    seal key   sha256:$seal
    log key    sha256:$log

Better, let the script compare them: add `--seal-key-fingerprint` and `--log-key-fingerprint`, each with the value
that you got elsewhere. Only then can the verdict be VERIFIED.

## What to write in a workpaper

The name of the ZIP and its SHA-256 (the script prints it), the verdict line, the fingerprints that you named and where
you got them, which checks were not made, the date, and the version of `verify.py` that you used and where it came
from.

## Without the script

The same checks by hand, in the extracted folder `$name`, in one shell: sh, dash, bash or zsh. Every step prints OK
or FAIL. These commands need a Unix system; macOS, and Windows with its Linux subsystem, have not been tried.

0. Make ready. Put the fingerprints that you got elsewhere in place of these two, which come from the pack and prove
   nothing; several seal keys are separated by spaces:

```sh
export LC_ALL=C
SEAL="$seals"
LOG="$log"
W=$$(mktemp -d)
bad=0
verdict() { if [ "$$1" -eq 0 ]; then echo "OK    $$2"; else echo "FAIL  $$2"; bad=1; fi; }
same() { [ "$$1" = "$$2" ]; verdict "$$?" "$$3"; }
command -v sha256sum > /dev/null || sha256sum() { shasum -a 256 "$$@"; }
fingerprint() { openssl pkey -pubin -in "$$1" -outform DER | sha256sum | cut -c 1-64; }
```

1. The bag (BagIt 1.0) is whole:

```sh
sha256sum -c --quiet manifest-sha256.txt
verdict "$$?" "1 every file of data/ has its digest"
sha256sum -c --quiet tagmanifest-sha256.txt
verdict "$$?" "1 every other file has its digest"
```

2. The keys are the ones that you named, and each receipt is signed by one of them. A receipt is a DSSE envelope; what
   is signed is its type and payload with their lengths:

```sh
for key in trust/seal*.pem; do
    case " $$SEAL " in *" $$(fingerprint "$$key") "*) true ;; *) false ;; esac
    verdict "$$?" "2 $$key is a key that you named"
done
same "$$(fingerprint trust/log.pub.pem)" "$$LOG" "2 trust/log.pub.pem is the key that you named"
unpack() {
    sed 's/.*"payload":"\([^"]*\)".*/\1/' "$$1" | base64 -d > "$$W/payload"
    sed 's/.*"sig":"\([^"]*\)".*/\1/' "$$1" | base64 -d > "$$W/signature"
    printf 'DSSEv1 28 application/vnd.in-toto+json %d ' $$(($$(wc -c < "$$W/payload"))) > "$$W/signed"
    cat "$$W/payload" >> "$$W/signed"
}
signed() {
    for key in trust/seal*.pem; do
        if openssl pkey -pubin -in "$$key" -noout -text | grep -qi ed25519; then
            openssl pkeyutl -verify -pubin -inkey "$$key" -rawin -in "$$W/signed" -sigfile "$$W/signature" && return 0
        else
            openssl dgst -sha256 -verify "$$key" -signature "$$W/signature" "$$W/signed" && return 0
        fi
    done > "$$W/openssl" 2>&1
    return 1
}
for receipt in provenance/pack.dsse.json $$(find provenance/receipts -type f | sort); do
    unpack "$$receipt"
    signed
    verdict "$$?" "2 $$receipt is signed"
done
```

3. The pack's receipt vouches for every file, and there is no other. The four that could only be made after it, and are
   checked by the other steps, are left out:

```sh
sums() {
    sed 's/.*"subject":\[//' "$$W/payload" | grep -o '"sha256":"[0-9a-f]*"},"name":"[^"]*"' |
        sed 's/"sha256":"\([0-9a-f]*\)"},"name":"\([^"]*\)"/\1  \2/' > "$$W/sums"
    [ -s "$$W/sums" ] && sha256sum -c --quiet "$$W/sums"
}
unpack provenance/pack.dsse.json
grep -q '"action":"$pack_action"' "$$W/payload" && sums
verdict "$$?" "3 the pack's receipt vouches for the files"
printf '%s\n' $dependent > "$$W/rest"
cut -c 67- "$$W/sums" | cat - "$$W/rest" | sort > "$$W/listed"
find . -type f | sed 's|^\./||' | sort | diff "$$W/listed" -
verdict "$$?" "3 there is no other file"
```

4. The bundle is the one that was sealed: a receipt of its sealing vouches for manifest.json and for every artifact,
   and the manifest lists the digest of each, and nothing else:

```sh
manifest=$$(sha256sum < manifest.json | cut -c 1-64)
found=1
for receipt in $$(find provenance/receipts -type f | sort); do
    unpack "$$receipt"
    if grep -q '"action":"$seal_action"' "$$W/payload" &&
        grep -q "\"sha256\":\"$$manifest\"},\"name\":\"manifest.json\"" "$$W/payload"; then
        sums
        found=$$?
        grep '  data/' "$$W/sums" | cut -c 1-64 | sort > "$$W/sealed"
    fi
done
verdict "$$found" "4 the bundle is the one that was sealed"
grep -o '"digest":"[0-9a-f]*"\|"size_bytes":' manifest.json | grep -B 1 size_bytes | grep digest |
    cut -c 11-74 | sort | diff "$$W/sealed" -
verdict "$$?" "4 manifest.json lists the sealed artifacts"
```

5. The log's checkpoint is signed (a C2SP signed note; origin, size and root are its first three lines):

```sh
head -n 3 provenance/checkpoint.txt > "$$W/text"
tail -n 1 provenance/checkpoint.txt | cut -d ' ' -f 3 | base64 -d | tail -c 64 > "$$W/note"
openssl pkeyutl -verify -pubin -inkey trust/log.pub.pem -rawin -in "$$W/text" -sigfile "$$W/note" > "$$W/openssl" 2>&1
verdict "$$?" "5 the checkpoint is signed"
```

6. The log contains every receipt: the entry holds the digest and the signature of what was signed, and the audit path
   leads from the entry to the checkpoint's root (RFC 9162, section 2.1.3.2):

```sh
walk() {
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
    [ "$$last" -eq 0 ] && [ "$$(base64 < "$$W/hash")" = "$$(sed -n 3p provenance/checkpoint.txt)" ]
}
included() {
    sed 's/.*"canonicalizedBody":"\([^"]*\)".*/\1/' "$$W/proof" | base64 -d > "$$W/entry"
    grep -qF "\"digest\":\"$$(openssl dgst -sha256 -binary "$$W/signed" | base64)\"" "$$W/entry" || return 1
    grep -qF "\"content\":\"$$(base64 < "$$W/signature" | tr -d '\n')\"" "$$W/entry" || return 1
    index=$$(sed 's/.*"logIndex":"\([0-9]*\)".*/\1/' "$$W/proof")
    last=$$(($$(sed -n 2p provenance/checkpoint.txt) - 1))
    [ "$$index" -le "$$last" ] && walk
}
tr '{' '\n' < provenance/pack.proof.json | grep '"envelope":' > "$$W/proofs"
for receipt in provenance/pack.dsse.json $$(find provenance/receipts -type f | sort); do
    unpack "$$receipt"
    grep -F "\"envelope\":\"$$receipt\"" "$$W/proofs" > "$$W/proof" && included
    verdict "$$?" "6 the log contains $$receipt"
done
find provenance -name '*.dsse.json' -not -path '*/notary/*' > "$$W/receipts"
same "$$(grep -c . "$$W/proofs")" "$$(grep -c . "$$W/receipts")" "6 the proofs are of these receipts and no other"
```
$stamps
Last, the verdict of all steps. Who signed is as certain as the source of the fingerprints in step 0:

```sh
rm -r "$$W"
if [ "$$bad" -eq 0 ]; then echo "ALL OK"; else echo "NOT VERIFIED: see FAIL above"; fi
[ "$$bad" -eq 0 ]
```

By hand, the statement of the installation's own key (a file in provenance/notary/ that ends in .dsse.json) is not
checked, nor that the ZIP is in its one form: the script does both. That statement is no independent witness.

## What this proves, and what it does not

It proves that these files are the ones that the holder of the seal key signed, and that the signature is in the
log whose state the checkpoint describes. It does not prove that what was recorded is true, nor that everything
was recorded. Against the holder of the keys, the records are safe only up to the newest checkpoint, or notary's
token, that was in somebody else's hands before.
""")

_STAMP: Final = Template(r"""
The time-stamping authority's token `$name` states when it saw manifest.json. Let `TSA_ROOT` be the path of the
authority's root certificate, which you got from the authority:

```sh
openssl ts -verify -digest "$$(sha256sum < manifest.json | cut -c 1-64)" -in provenance/notary/$name.tsr \
    -CAfile "$$TSA_ROOT" -attime $moment > "$$W/openssl" 2>&1
verdict "$$?" "7 an authority saw manifest.json: $name"
```
""")


def text(
    *,
    name: str,
    title: str,
    seal_keys: Sequence[PublicKey],
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
        seal="\n               sha256:".join(each.fingerprint for each in seal_keys),
        seals=" ".join(each.fingerprint for each in seal_keys),
        log=log_key.fingerprint,
        pack_action=PACK_ACTION,
        seal_action=SEAL_ACTION,
        dependent=" ".join(sorted(dependent)),
        stamps=shown,
    )
