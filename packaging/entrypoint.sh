#!/bin/sh
# What a container of the image runs: the agent, any command of tarsier, or the command lines of Falco's and Tracee's images.
set -eu

for name in TRACEE_BPF_FILE TRACEE_BTF_FILE LIBBPFGO_KCONFIG_FILE; do
  eval "value=\${$name-}"
  [ -z "$value" ] || echo "tarsier: $name is not read: the programs adapt to the running kernel by its own BTF" >&2
done

case ${1-} in
  tarsier | /usr/bin/tarsier) shift ;;
  falco | /usr/bin/falco)
    shift
    set -- run "$@"
    ;;
  tracee | tracee-ebpf | ./tracee | /tracee/tracee-ebpf)
    shift
    set -- trace "$@"
    ;;
  '' | -*)
    if [ "${TRACEE_EBPF_ONLY-}" = 1 ]; then set -- trace "$@"; else set -- run "$@"; fi
    ;;
esac

# Files of Falco that were mounted where it looks for them.
if [ "$1" = run ] && [ -f /etc/falco/falco.yaml ]; then
  shift
  unset EDR_CONFIG
  set -- run --falco "$@"
fi
exec /usr/bin/tarsier "$@"
