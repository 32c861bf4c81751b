#!/usr/bin/env bash
# Installs Label Studio in a virtual environment of its own, since it pins its dependencies exactly, and prints the path of its
# executable: install_server.sh [FOLDER]. Does nothing where that version is there already; about 1 GB on disk.
set -euo pipefail
version=1.23.2
folder=${1:-.venv-labelstudio}
python=$folder/bin/python
executable=$folder/bin/label-studio

installed() {
    "$python" -c 'import importlib.metadata, sys; sys.exit(importlib.metadata.version("label-studio") != sys.argv[1])' \
        "$version" 2>/dev/null && [ -x "$executable" ]
}

install() {
    "$python" -m pip --version >/dev/null 2>&1 || "${PYTHON:-python3}" -m venv "$folder" || return
    # pip installs Label Studio after everything that it needs: where it is there, the rest is there as well.
    # Python compiles the few modules that run by itself; all of them would take as long as the rest.
    "$python" -m pip install --quiet --disable-pip-version-check --no-compile --retries 3 --timeout 60 "label-studio==$version"
}

if ! installed; then
    echo "installing Label Studio $version into $folder: some minutes, once" >&2
    if ! install >&2; then
        echo "Label Studio $version: expected to install it into $folder, could not (see above); is a package index in reach?" >&2
        exit 1
    fi
fi
echo "$executable"
