# Stays for as long as the container is used, and the SECONDS of its argument more: something runs in it, or has run in it since it was looked last. That
# is seen by the number of the newest process, which the own sleep makes one more, where there is such a number.
trap 'exit 0' TERM
pause=5 idle=0 last=
while [ "$idle" -lt "$1" ]; do
  sleep "$pause" &
  wait $!
  idle=$((idle + pause))
  read -r _ _ _ _ newest </proc/loadavg
  set -- "$1" /proc/[0-9]*
  case $newest in "$last" | $((${last:-0} + 1))) ;; *) idle=0 ;; esac
  [ $# -eq 2 ] || idle=0
  last=$newest
done
