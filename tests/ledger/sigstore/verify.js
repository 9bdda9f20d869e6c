// usage: node verify.js TRUST-ROOT.json BUNDLE.json...   Prints {file: "verified" or the verifier's error code}.
// The trust root is what `manage.py export_receipt --trust-root` wrote. All thresholds are on: one log entry with
// proof and checkpoint, one RFC 3161 time, and the signature itself.
const { readFileSync } = require("node:fs");
const { bundleFromJSON } = require("@sigstore/bundle");
const { PublicKey, TrustedRoot } = require("@sigstore/protobuf-specs");
const { Verifier, toSignedEntity, toTrustMaterial } = require("@sigstore/verify");

const [trustFile, ...bundles] = process.argv.slice(2);
const trust = JSON.parse(readFileSync(trustFile, "utf8"));
const keys = Object.fromEntries(
  Object.entries(trust.publicKeys).map(([hint, key]) => [hint, PublicKey.fromJSON(key)]),
);
const material = toTrustMaterial(TrustedRoot.fromJSON(trust.trustedRoot), keys);
const verifier = new Verifier(material, { tlogThreshold: 1, timestampThreshold: 1, ctlogThreshold: 0 });

const verdicts = {};
for (const file of bundles) {
  try {
    const bundle = bundleFromJSON(JSON.parse(readFileSync(file, "utf8")));
    verifier.verify(toSignedEntity(bundle));
    verdicts[file] = "verified";
  } catch (error) {
    verdicts[file] = `${error.code ?? error.name}: ${error.message}`;
  }
}
console.log(JSON.stringify(verdicts));
