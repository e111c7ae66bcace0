#!/usr/bin/env bash
# faster-whisper 1.2.0: pip installs it and finds nothing missing, and it does not import.
#
# It imports `requests` and does not require it: huggingface_hub 0.x brought it along. 2.4.0 does not, and
# faster-whisper asks for "huggingface-hub>=0.13" without an upper limit, so a requirements file that pins
# faster-whisper alone gives an environment where `pip check` is content and `import faster_whisper` ends with
# ModuleNotFoundError. Servers pin that version: whisper-live 0.10.0 does, and what else it pins (tokenizers 0.20.3,
# which keeps huggingface_hub below 1.0) happens to bring it. 1.2.1 imports, and so does 1.2.0 with `requests`.
#
# Seen, Python 3.11, huggingface_hub 2.4.0:
#   1.2.0: pip check: No broken requirements found.; import: ModuleNotFoundError: No module named 'requests'
#   1.2.0 and requests: import: works
#   1.2.1: import: works
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"

install() { "$folder/venv/bin/pip" install -q --disable-pip-version-check "$@"; }

imported() { "$folder/venv/bin/python" -c "import faster_whisper" 2>&1 | tail -1; }

install faster-whisper==1.2.0 huggingface_hub==2.4.0 ctranslate2==4.8.5 av==18.1.0 onnxruntime==1.32.0
check=$("$folder/venv/bin/pip" check --disable-pip-version-check 2> /dev/null)
alone=$(imported || true)
echo "1.2.0: pip check: $check; import: ${alone:-works}"
install requests==2.34.2
beside=$(imported || true)
echo "1.2.0 and requests: import: ${beside:-works}"
"$folder/venv/bin/pip" uninstall -q -y requests
install faster-whisper==1.2.1
next=$(imported || true)
echo "1.2.1: import: ${next:-works}"
missing="ModuleNotFoundError: No module named 'requests'"
[ "$check" = "No broken requirements found." ] && [ "$alone" = "$missing" ] && [ -z "$beside$next" ]
