#!/bin/sh
# Brings a file or folder into a volume in use: run in a container that has the volume, with a tar file on its standard input.
#   ROOT POLICY HIDDEN TARGET NAME [OPTION...]
# ROOT is where the volume is mounted; POLICY Update where what is there may be overwritten, Forget to take away what an earlier run has left;
# HIDDEN the name of a folder that nobody else uses, and of the last entry of the tar file; TARGET the folder of the volume into which it goes,
# empty for its root; NAME what is in the tar file; OPTIONs tell tar to unpack it.
# Ends with 20 where NAME is there already, and with 21 where TARGET is no folder of the volume, or a full folder is in the place of a file.
# No link is followed: it goes from folder to folder, and each is looked at before. All is unpacked into HIDDEN first; only when the last entry has
# come too is anything else touched. HIDDEN stays, empty, to tell that it was done to who does not know, and goes with Forget.
set -eu
root=$1 policy=$2 hidden=$3 left=$4 name=$5
shift 5
refuse() {
  code=$1
  shift
  echo "$*" >&2
  exit "$code"
}
is_there() { [ -e "$1" ] || [ -L "$1" ]; }
see_hidden() {
  if [ -d "./$hidden" ] && [ ! -L "./$hidden" ]; then seen=$(pwd -P)/$hidden; fi
}

cd "$root"
seen=
see_hidden
while [ -n "$left" ]; do
  next=${left%%/*}
  [ ! -L "./$next" ] || refuse 21 "\"$next\" is a symbolic link in the volume, and links are not followed"
  [ -e "./$next" ] || break
  [ -d "./$next" ] || refuse 21 "\"$next\" is no folder in the volume"
  cd "./$next"
  see_hidden
  case $left in */*) left=${left#*/} ;; *) left= ;; esac
done
first=$name
[ -z "$left" ] || first=${left%%/*}

if [ "$policy" = Forget ]; then
  [ -z "$seen" ] || rmdir "$seen"
  exit 0
fi
if [ -n "$seen" ]; then
  if is_there "./$first" && [ -z "$(ls -A "$seen")" ]; then exit 0; fi
  rm -rf "$seen"
fi
if is_there "./$first" && [ "$policy" != Update ]; then refuse 20 "\"$first\" is there already in the volume"; fi

here=$(pwd -P)
mkdir "./$hidden"
trap 'rm -rf "$here/$hidden"' EXIT
chmod 700 "./$hidden"
if [ -n "$left" ]; then
  mkdir -p "./$hidden/$left"
  # Only root can give away what it makes.
  chown -R "$(stat -c %u:%g .)" "./$hidden/$first" 2>/dev/null || :
fi
tar -C "./$hidden/$left" "$@"
[ -e "./$hidden/$left/$hidden" ] || refuse 22 "the files have not all come"
rm "./$hidden/$left/$hidden"
cd "./$hidden"
if is_there "../$first"; then
  [ "$policy" = Update ] || refuse 20 "\"$first\" was made in the volume meanwhile"
  # Not below a link in the place of a folder, which goes. Of folders, one that cannot be listed counts as full.
  full=$(find "./$first" -type d -exec sh -c '[ -L "../$1" ]' sh {} \; -prune -o ! -type d -exec sh -c '
    for one; do
      if [ -d "../$one" ] && [ ! -L "../$one" ] && [ -n "$(ls -A "../$one" 2>&1)" ]; then echo "$one"; fi
    done' sh {} +)
  full=${full%%
*}
  [ -z "$full" ] || refuse 21 "\"${full#./}\" is a folder with something in it in the volume, and no folder in the snapshot"
  # What is a link, or no file with content, or of another type, is not written into but made anew.
  find "./$first" -exec sh -c '
    for one; do
      if [ -d "../$one" ] && [ ! -L "../$one" ]; then
        if [ ! -d "$one" ] || [ -L "$one" ]; then rmdir "../$one"; fi
      elif [ -L "../$one" ] || { [ -e "../$one" ] && { [ -L "$one" ] || [ ! -f "../$one" ] || [ ! -f "$one" ]; }; }; then
        rm -f "../$one"
      fi
    done' sh {} +
  # Of a file with several names, all are made anew.
  find "./$first" -type f -links +1 -exec sh -c 'for one; do [ -d "../$one" ] || rm -f "../$one"; done' sh {} +
  cp -a "./$first" ..
  rm -rf "./$first"
else
  mv "./$first" "../$first"
fi
trap - EXIT
