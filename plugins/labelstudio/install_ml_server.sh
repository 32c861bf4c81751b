#!/usr/bin/env bash
# Installs label-studio-ml in a virtual environment of its own, since it pins a Flask of long ago, and prints the path of its
# executable: install_ml_server.sh [FOLDER]. What it does not bring itself, boundaryclick among it, is taken from the environment
# of $PYTHON. Does nothing where that version is there already; 80 MB on disk.
set -euo pipefail
version=1.0.9
python=${PYTHON:-python3}
folder=${1:-.venv-labelstudio-ml}
own=$folder/bin/python
ready=$folder/installed-$version

if ! [ -e "$ready" ]; then
    echo "installing label-studio-ml $version into $folder, once" >&2
    "$python" -m venv --clear "$folder"
    # It imports redis and rq without naming them.
    "$own" -m pip install --quiet --disable-pip-version-check "label-studio-ml==$version" redis rq >&2
    touch "$ready"
fi
# Behind its own packages, so that its own Flask comes first.
packages=$("$own" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
"$python" -c 'import sysconfig; print("import site; site.addsitedir(%r)" % sysconfig.get_path("purelib"))' \
    >"$packages/boundaryclick.pth"
echo "$folder/bin/label-studio-ml"
