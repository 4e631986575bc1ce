# bash takes a colon for the end of a word, but worker:worker_0 is one: put it together again, and give back what is missing.
_run() {
    local -a joined=()
    local word i n=-1
    for ((i = 0; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if ((n > 0)) && [[ $word == :* || ${joined[n]} == *: ]] && [[ $COMP_LINE == *"${joined[n]}$word"* ]]; then
            joined[n]+=$word
        else
            joined+=("$word")
            n=$((n + 1))
        fi
    done
    local COMP_WORDS=("${joined[@]}") COMP_CWORD=$n
    local typed=${joined[n]}
    _clap_complete_run "$1" "$typed" "${joined[n - 1]}"
    if [[ $typed == *:* && $COMP_WORDBREAKS == *:* ]]; then
        COMPREPLY=("${COMPREPLY[@]#"${typed%"${typed##*:}"}"}")
    fi
}
