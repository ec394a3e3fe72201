/** What each shell is taught: it asks `kylon __complete` with the words so far, the last one unfinished. */

const bash = `# bash completion for kylon
_kylon() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    case $line in
      :0) compopt -o default ;;
      :*) ;;
      *) COMPREPLY+=("\${line%%$'\\t'*}") ;;
    esac
  done < <("\${COMP_WORDS[0]}" __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _kylon kylon
`;

const zsh = `#compdef kylon
# zsh completion for kylon
_kylon() {
  local line files=
  local -a candidates
  for line in "\${(@f)$("$words[1]" __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    case $line in
      :0) files=yes ;;
      :*) ;;
      *$'\\t'*) candidates+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}") ;;
      *) candidates+=("\${line//:/\\\\:}") ;;
    esac
  done
  [[ $words[CURRENT] == -*=* ]] && compset -P '*='
  if (( $#candidates )); then
    _describe kylon candidates
  elif [[ -n $files ]]; then
    _files
  fi
}
compdef _kylon kylon
`;

const fish = `# fish completion for kylon
function __kylon_complete
  set -l begun (commandline --current-token)
  set -l words (commandline --cut-at-cursor --tokenize --current-process) $begun
  set -l lines ($words[1] __complete $words[2..-1] 2>/dev/null)
  if test "$lines[-1]" = ':0'
    __fish_complete_path $begun
    return
  end
  set -l prefix ''
  string match --quiet -- '-*=*' $begun; and set prefix (string replace --regex -- '=.*' '=' $begun)
  for line in $lines
    string match --quiet -- ':*' $line; or echo -- $prefix$line
  end
end
complete --command kylon --no-files --arguments '(__kylon_complete)'
`;

export const scripts = { bash, zsh, fish };
