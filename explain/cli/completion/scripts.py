"""What each shell reads once: a function that asks ``explain`` what may stand where the cursor is."""

from __future__ import annotations

_BASH = r"""# Completion of explain for bash 4.4 or later. In ~/.bashrc:
#     eval "$(explain --completion bash)"
_explain_completion() {
    local type value answer files= path
    answer=$(COMP_WORDS="$(printf '%s\n' "${COMP_WORDS[@]}")" COMP_CWORD=$COMP_CWORD \
        _EXPLAIN_COMPLETE=bash_complete "$1" 2>/dev/null)
    COMPREPLY=()
    while IFS=, read -r type value; do
        case $type in
            plain)
                [[ $value != *[^[:alnum:]_.,:=/+@%-]* ]] || printf -v value %q "$value"
                COMPREPLY+=("$value")
                ;;
            file) files=default ;;
            dir) files=dirnames ;;
        esac
    done <<<"$answer"
    [[ $files ]] || return 0
    if ((${#COMPREPLY[@]} == 0)); then
        compopt -o "$files"
        return 0
    fi
    while IFS= read -r path; do
        [[ $path ]] || continue
        if [[ -d $path ]]; then
            COMPREPLY+=("$(printf '%q/' "$path")")
        elif [[ $files == default ]]; then
            COMPREPLY+=("$(printf '%q' "$path")")
        fi
    done <<<"$(compgen -f -- "$2")"
    return 0
}
complete -o nosort -F _explain_completion explain
"""

_ZSH = r"""#compdef explain
# Completion of explain for zsh. In ~/.zshrc, after compinit:
#     eval "$(explain --completion zsh)"
_explain_completion() {
    setopt localoptions extendedglob
    local -a response plain described
    local type key told files
    response=("${(@f)$(COMP_WORDS="${(j: :)words}" COMP_CWORD=$((CURRENT-1)) \
        _EXPLAIN_COMPLETE=zsh_complete "${(Q)words[1]}" 2>/dev/null)}")
    for type key told in "${response[@]}"; do
        case $type in
            plain) if [[ $told == _ ]]; then plain+=("$key"); else described+=("$key:$told"); fi ;;
            file) files=-f ;;
            dir) files=-/ ;;
        esac
    done
    (( $#described )) && _describe -V explain described -U
    (( $#plain )) && compadd -U -V explain -a plain
    if [[ -n $files ]]; then
        compset -P '[^/=]##='  # NAME=FILE
        _path_files $files
    fi
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _explain_completion "$@"
else
    compdef _explain_completion explain
fi
"""

_FISH = r"""# Completion of explain for fish. Once:
#     explain --completion fish > ~/.config/fish/completions/explain.fish
function _explain_completion
    set -l program (commandline -opc)[1]
    set -l begun (commandline -ct | string collect)
    set -l response (env _EXPLAIN_COMPLETE=fish_complete COMP_WORDS=(commandline -cp | string collect) \
        COMP_CWORD="$begun" $program 2>/dev/null)
    for item in $response
        set -l parts (string split -m 1 , -- $item)
        switch $parts[1]
            case plain
                echo -- $parts[2]
            case file
                set -l place (string match -r '^[^/=]+=' -- "$begun") # NAME=FILE
                for path in (__fish_complete_path (string replace -r '^[^/=]+=' '' -- "$begun"))
                    echo -- "$place"$path
                end
            case dir
                __fish_complete_directories "$begun"
        end
    end
end
complete --no-files --command explain --arguments '(_explain_completion)'
"""

SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}
"""By the shell's name."""
