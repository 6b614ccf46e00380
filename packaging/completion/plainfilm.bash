# plainfilm.bash - completion for bash. The programs say themselves which options they
# have (--help-options), so there is nothing here to keep up to date.

_plainfilm() {
  local program=$1 word=$2 before=$3
  local name letter kind arg choices rest names=()
  COMPREPLY=()
  # "--find=ca" arrives as three words.
  if [[ $word == = ]]; then
    word=
  elif [[ $before == = ]]; then
    before=${COMP_WORDS[COMP_CWORD - 2]}
  fi
  while IFS=$'\t' read -r name letter kind arg choices rest; do
    names+=("--$name")
    [[ $kind == flag || $kind == maybe ]] && continue
    [[ $before == -- ]] && continue # a missing letter is "-", too
    [[ $before == "--$name" || $before == "-$letter" ]] || continue
    case $arg in
    *FILE* | *DIR* | *PATH*)
      compopt -o filenames
      mapfile -t COMPREPLY < <(compgen -f -- "$word")
      ;;
    *)
      [[ $choices != - ]] &&
        mapfile -t COMPREPLY < <(compgen -W "${choices//,/ }" -- "$word")
      ;;
    esac
    return
  done < <("$program" --help-options 2>/dev/null)
  if [[ $word == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "${names[*]}" -- "$word")
  elif [[ $program == *plainfilm-index ]]; then
    compopt -o filenames
    mapfile -t COMPREPLY < <(compgen -f -- "$word")
  fi
}

complete -F _plainfilm plainfilm-index plainfilm-query plainfilm-serve
