#!/bin/sh
# Installs Tarsier from the folder of the unpacked archive. Run it again to upgrade: configuration stays as it is.
set -eu

usage() {
  cat <<'TEXT'
usage: install.sh [--root DIR] [--source-dir DIR] [--force] [--dry-run] [--help]

  --root DIR        install below DIR instead of /
  --source-dir DIR  the unpacked archive (default: where this script is)
  --force           replace configuration files too; the old ones are kept beside them with the time in their name
  --dry-run         say what would be done, and do nothing
  --help            this text
TEXT
}

root=/
source=$(dirname -- "$(readlink -f -- "$0")")
force=
dry=
while [ $# -gt 0 ]; do
  case $1 in
    --root | --source-dir)
      [ $# -ge 2 ] || { echo "install.sh: $1 needs a folder" >&2; exit 2; }
      if [ "$1" = --root ]; then root=$2; else source=$2; fi
      shift
      ;;
    --force) force=1 ;;
    --dry-run) dry=1 ;;
    --help) usage; exit 0 ;;
    *) echo "install.sh: unknown option '$1'" >&2; usage >&2; exit 2 ;;
  esac
  shift
done
root=${root%/}

missing=
for part in usr/lib/tarsier/bin/tarsier usr/lib/tarsier/dist usr/lib/tarsier/build/bpf usr/lib/tarsier/node/bin/node \
  lib/systemd/system/tarsier.service etc/tarsier/tarsier.yaml; do
  [ -e "$source/$part" ] || missing="$missing $part"
done
if [ -n "$missing" ]; then
  echo "install.sh: missing in $source:$missing" >&2
  exit 1
fi

run() {
  if [ -n "$dry" ]; then echo "would run: $*"; else "$@"; fi
}

# The program as a whole: what an older version had and this one has not must go.
run mkdir -p "$root/usr/lib" "$root/usr/bin" "$root/usr/share" "$root/lib/systemd/system" "$root/etc/tarsier/rules.d"
run rm -rf "$root/usr/lib/tarsier"
run cp -R "$source/usr/lib/tarsier" "$root/usr/lib/tarsier"
run ln -sfn ../lib/tarsier/bin/tarsier "$root/usr/bin/tarsier"
run cp -R "$source/usr/share/." "$root/usr/share/"
run install -m 0644 "$source/lib/systemd/system/tarsier.service" "$root/lib/systemd/system/tarsier.service"

stamp=$(date -u +%Y%m%dT%H%M%SZ)
for file in tarsier.yaml rules.d/own.yaml; do
  target=$root/etc/tarsier/$file
  if [ -e "$target" ] && [ -z "$force" ]; then
    echo "kept: $target"
  else
    [ ! -e "$target" ] || run cp -p "$target" "$target.$stamp.bak"
    run install -m 0644 "$source/etc/tarsier/$file" "$target"
  fi
done

cat <<'TEXT'
Next:
  systemctl daemon-reload
  systemctl enable --now tarsier
  journalctl -fu tarsier
TEXT
