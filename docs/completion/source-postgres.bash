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
    --output)
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -d -- "$current")
        return
        ;;
    --compress)
        mapfile -t COMPREPLY < <(compgen -W zstd -- "$current")
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
    --admin | --metrics-listen | --rotate-mb | --rotate-seconds) return ;;
    esac
    if [ "$COMP_CWORD" -eq 1 ]; then
        options="spec check discover read setup-sql status backfill teardown --help --version"
    fi
    case $command in
    check | discover) options="--config --help" ;;
    read)
        options="--config --catalog --all --tail --state --output --rotate-mb --rotate-seconds --compress"
        options="$options --metrics-listen --metrics-file --help"
        ;;
    setup-sql) options="--config --catalog --admin --provider --help" ;;
    status) options="--config --catalog --all --state --json --help" ;;
    backfill) options="--config --catalog --help" ;;
    teardown) options="--config --yes --help" ;;
    esac
    [ "$COMP_CWORD" -eq 1 ] || options="$options --log-format"
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
}

complete -F _source_postgres source-postgres
