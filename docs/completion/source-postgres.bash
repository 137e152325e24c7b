# bash completion for source-postgres

_source_postgres() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]}
    local options=--help
    COMPREPLY=()
    case $previous in
    --config | --catalog | --state | --metrics-file)
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
        return
        ;;
    --log-format)
        mapfile -t COMPREPLY < <(compgen -W "plain json" -- "$current")
        return
        ;;
    --provider)
        mapfile -t COMPREPLY < <(compgen -W "postgresql rds cloudsql alloydb azure supabase neon" -- "$current")
        return
        ;;
    --admin | --metrics-listen) return ;;
    esac
    if [ "$COMP_CWORD" -eq 1 ]; then
        options="spec check discover read setup-sql status teardown --help --version"
    fi
    case $command in
    check | discover) options="--config --help" ;;
    read) options="--config --catalog --all --tail --state --metrics-listen --metrics-file --help" ;;
    setup-sql) options="--config --catalog --admin --provider --help" ;;
    status) options="--config --catalog --state --json --help" ;;
    teardown) options="--config --yes --help" ;;
    esac
    [ "$COMP_CWORD" -eq 1 ] || options="$options --log-format"
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
}

complete -F _source_postgres source-postgres
