# Sourced by ./try and ./test: what they share. Needs `top`, the top of the checkout.
# Debian keeps ip, nft and tcpdump where a plain user does not look.
export PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"
python=$top/.venv/bin/python

say() { printf '%s\n' "$*" >&2; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

# Install the Debian or Ubuntu packages named that are not there; says so where it cannot.
apt_install() {
  local package missing=()
  for package in "$@"; do
    dpkg-query -W -f='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  if ! command -v apt-get >/dev/null || ! as_root true 2>/dev/null; then
    say "not installed, and only root on Debian or Ubuntu can be served here: ${missing[*]}"
    return 1
  fi
  say "installing ${missing[*]}"
  local get=(env DEBIAN_FRONTEND=noninteractive apt-get -qq)
  as_root "${get[@]}" update >&2 || say "the package lists could not be renewed; trying the old ones"
  as_root "${get[@]}" install -y --no-install-recommends "${missing[@]}" >&2 && return
  # One that this release does not have keeps all of them out, so each is asked for alone.
  local failed=()
  for package in "${missing[@]}"; do
    as_root "${get[@]}" install -y --no-install-recommends "$package" >&2 || failed+=("$package")
  done
  [ ${#failed[@]} -eq 0 ] || { say "could not be installed: ${failed[*]}"; return 1; }
}

# The first Python that is new enough and can make a virtual environment.
usable_python() {
  local candidate
  for candidate in ${PYTHON:-} python3 /usr/bin/python3 python3.13 python3.12 python3.11; do
    if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      printf '%s\n' "$candidate"
      return
    fi
  done
  return 1
}

# Make .venv anew where it is missing, broken, of an old Python, or was moved here from elsewhere.
make_venv() {
  local base
  if "$python" -c 'import sys, pip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null &&
    [ "$("$python" -c 'import sys; print(sys.prefix)')" = "$top/.venv" ] &&
    head -n3 "$top/.venv/bin/pip" | grep -qF "$top/.venv/"; then
    return
  fi
  if ! base=$(usable_python); then
    apt_install python3 python3-venv
    base=$(usable_python) || { say "Python 3.11 or later with venv is needed; name one with PYTHON=..."; return 1; }
  fi
  say "making .venv with $("$base" --version)"
  "$base" -m venv --clear "$top/.venv"
}

# Install the checkout with what its argument names (`core` or `test`), unless exactly that was done before.
# Versions are those of requirements.lock. The checkout itself is installed in place, so an edit is seen at once;
# its byte code is written here, because where PYTHONDONTWRITEBYTECODE is set nobody else would.
install_checkout() {
  local stamp=$top/.venv/installed-$1 wanted
  make_venv
  wanted=$(cat "$top/pyproject.toml" "$top/requirements.lock" "$top/scripts/environment.sh" | sha256sum)
  if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
    say "installing Python packages into .venv"
    local pip=("$python" -m pip --disable-pip-version-check --quiet install)
    if [ "$1" = test ]; then
      "${pip[@]}" --requirement "$top/requirements.lock"
    else
      "${pip[@]}" --constraint "$top/requirements.lock" setuptools
    fi
    "${pip[@]}" --constraint "$top/requirements.lock" --no-build-isolation --editable "$top"
    printf '%s\n' "$wanted" >"$stamp"
  fi
  "$python" -m compileall -q "$top/explain" >&2
}
