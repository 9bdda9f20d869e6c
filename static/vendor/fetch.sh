#!/bin/sh
# Makes the third-party files of the console anew from their npm packages, at the versions named here:
#   static/js/htmx.js, static/fonts/, static/pdf/fonts/, conductor/console/format/icons.svg, static/vendor/LICENSES/
# and compares them with SHA256SUMS. The files are committed, so only a change of version or of icons.txt
# needs this script. Needs npm; uses whatever package registry npm is configured for.
# After a wanted change: ./fetch.sh --accept
set -eu

HTMX=4.0.1
LUCIDE=1.62.0
INTER=5.3.0
JETBRAINS_MONO=5.3.0
SOURCE_SERIF=5.3.1
SOURCE_SERIF_STATIC=5.3.0

vendor=$(cd "$(dirname "$0")" && pwd)
static=$(dirname "$vendor")
root=$(dirname "$static")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

unpack() { # package@version folder
  mkdir "$work/$2"
  (cd "$work" && tar -xzf "$(npm pack --silent "$1")" -C "$2" --strip-components=1)
}

unpack "htmx.org@$HTMX" htmx
unpack "lucide-static@$LUCIDE" lucide
unpack "@fontsource-variable/inter@$INTER" inter
unpack "@fontsource-variable/jetbrains-mono@$JETBRAINS_MONO" mono
unpack "@fontsource-variable/source-serif-4@$SOURCE_SERIF" serif
unpack "@fontsource/inter@$INTER" inter-static
unpack "@fontsource/jetbrains-mono@$JETBRAINS_MONO" mono-static
unpack "@fontsource/source-serif-4@$SOURCE_SERIF_STATIC" serif-static

# One file: as two deferred scripts htmx would start before its extension has registered, and hx-sse:connect
# would never connect. Source map comments go, because the static files' storage would look for the maps.
{
  echo "/* htmx $HTMX and its hx-sse extension, 0BSD: static/vendor/LICENSES/htmx.txt */"
  cat "$work/htmx/dist/htmx.min.js"
  echo ";"
  cat "$work/htmx/dist/ext/hx-sse.min.js"
} | sed '/^\/\/# sourceMappingURL=/d' > "$static/js/htmx.js"

mkdir -p "$static/fonts" "$static/pdf/fonts" "$vendor/LICENSES"
cp "$work"/inter/files/inter-latin-wght-normal.woff2 "$work"/inter/files/inter-latin-ext-wght-normal.woff2 \
  "$work"/mono/files/jetbrains-mono-latin-wght-normal.woff2 \
  "$work"/serif/files/source-serif-4-latin-wght-normal.woff2 "$static/fonts/"
for weight in 400 500 600; do
  cp "$work"/inter-static/files/inter-latin-$weight-normal.woff2 \
    "$work"/inter-static/files/inter-latin-ext-$weight-normal.woff2 "$static/pdf/fonts/"
done
for weight in 400 600; do
  cp "$work"/mono-static/files/jetbrains-mono-latin-$weight-normal.woff2 \
    "$work"/mono-static/files/jetbrains-mono-latin-ext-$weight-normal.woff2 \
    "$work"/serif-static/files/source-serif-4-latin-$weight-normal.woff2 \
    "$work"/serif-static/files/source-serif-4-latin-ext-$weight-normal.woff2 "$static/pdf/fonts/"
done
cp "$work"/serif-static/files/source-serif-4-latin-400-italic.woff2 \
  "$work"/serif-static/files/source-serif-4-latin-ext-400-italic.woff2 "$static/pdf/fonts/"

# One <symbol> a line, in the order of icons.txt: what conductor/console/icons.py reads.
{
  echo '<svg xmlns="http://www.w3.org/2000/svg">'
  echo "<!-- Lucide $LUCIDE, ISC: static/vendor/LICENSES/lucide.txt. Made by static/vendor/fetch.sh -->"
  while read -r name; do
    shapes=$(sed -e '/^<!--/d' "$work/lucide/icons/$name.svg" | tr '\n' ' ' |
      sed -e 's/<svg[^>]*>//' -e 's#</svg>##' -e 's/  */ /g' -e 's/> </></g' -e 's# />#/>#g' -e 's/^ //' -e 's/ $//')
    echo "<symbol id=\"$name\">$shapes</symbol>"
  done < "$vendor/icons.txt"
  echo '</svg>'
} > "$root/conductor/console/format/icons.svg"

cp "$work/htmx/LICENSE" "$vendor/LICENSES/htmx.txt"
cp "$work/lucide/LICENSE" "$vendor/LICENSES/lucide.txt"
cp "$work/inter/LICENSE" "$vendor/LICENSES/inter.txt"
cp "$work/mono/LICENSE" "$vendor/LICENSES/jetbrains-mono.txt"
cp "$work/serif/LICENSE" "$vendor/LICENSES/source-serif-4.txt"

cd "$root"
if [ "${1:-}" = --accept ]; then
  sha256sum static/js/htmx.js static/fonts/*.woff2 static/pdf/fonts/*.woff2 conductor/console/format/icons.svg \
    static/vendor/LICENSES/*.txt > static/vendor/SHA256SUMS
fi
sha256sum --check --quiet static/vendor/SHA256SUMS && echo "All files are as committed."
