# Looks into a volume that is mounted at the folder ROOT, or is the device ROOT; run by sh beside the programs of GNU (src/engine/look/kept-files.ts).
#   ROOT list FIRST COUNT PART…   what the path names, and of a folder, in order of the bytes of their names, so many entries from the FIRST one, counted from 1
#   ROOT names 0 0 PART…          the names of all that the folder holds, in any order
#   ROOT file OFFSET LENGTH PART… these bytes of a file
#   ROOT sizes 0 0 PART…          of a file or folder and all below it, the type and the size of each
#   ROOT posix|gnu 0 0 PART…      the same as a tar file of this format, with extended attributes where that has them
# Each PART of the path is the octal code of every byte of a name, as printf %b takes it. No link is followed. Ends with 44 where the path names nothing.
# Each entry, name or size ends with a zero byte, and the last one is followed by another, which stands alone where there is nothing.
root=$1 what=$2 first=$3 count=$4
shift 4

absent() {
  printf '\0'
  exit 44
}

# From folder to folder: the whole path may be longer than a system call takes.
at=$root name=
if [ ! -b "$root" ]; then
  cd -P "$root" || exit 1
  at=.
fi
for part; do
  { [ ! -L "$at" ] && [ -d "$at" ]; } || absent
  cd -P "$at" || exit 1
  part=$(printf '%bx' "$part")
  name=${part%x}
  at=./$name
done
[ -e "$at" ] || [ -L "$at" ] || absent

# lost+found is of the file system, and not of the volume.
within() {
  if [ -z "$name" ]; then
    find "$at" -mindepth 1 -maxdepth 1 ! -path ./lost+found -printf "$1"
  else
    find "$at" -mindepth 1 -maxdepth 1 -printf "$1"
  fi
}

sorted() { LC_ALL=C sort -z -S 32M; }

entry='%f/%y/%s/%m/%U/%u/%G/%g/%T@/%l\0'

# Only what is told is looked at: the names alone of a folder of a million are read in a second.
page() {
  cd -P "$at" || exit 1
  at=.
  within './%f\0' | sorted | tail -z -n "+$first" | { head -z -n "$count" && cat >/dev/null; } |
    find -files0-from - -maxdepth 0 -printf "$entry"
}

list() {
  if [ -b "$root" ]; then
    printf '/f/%s/600/0/root/0/root//\0' "$(blockdev --getsize64 "$root")"
  else
    find "$at" -maxdepth 0 -printf "$entry"
  fi
  if [ "$count" -gt 0 ] && [ ! -L "$at" ] && [ -d "$at" ]; then page; fi
}

members() {
  if [ -n "$name" ]; then printf '%s\0' "$name"; else within '%f\0' | sorted; fi
}

archive() { members | tar -H "$what" "$@" --null --verbatim-files-from -T - -cf -; }

case $what in
list)
  list
  printf '\0'
  ;;
names)
  within '%f\0'
  printf '\0'
  ;;
file) exec dd if="$at" bs=256K iflag=skip_bytes,count_bytes skip="$first" count="$count" status=none ;;
sizes)
  find "$at" ! -type s -printf '%y%s\0'
  printf '\0'
  ;;
posix) archive --acls --xattrs '--xattrs-include=*' ;;
gnu) archive ;;
esac
