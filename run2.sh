rm -rf /tmp/mut/p; mkdir -p /tmp/mut/p; cp -r /work/main/pytest_odcv /work/main/tests /work/main/pyproject.toml /tmp/mut/p/; chmod 755 /tmp/mut /tmp/mut/p
cd /tmp/mut/p; before=$(md5sum pytest_odcv/sandbox/$2); sed -i "$3" pytest_odcv/sandbox/$2; [ "$before" = "$(md5sum pytest_odcv/sandbox/$2)" ] && echo "NO CHANGE"
echo "== $1"; timeout 250 /tmp/v/venv/bin/python -m pytest tests/sandbox -q -p no:cacheprovider -k "$4" 2>&1 | grep -E "^FAILED|^ERROR|passed|failed" | sed 's/tests.sandbox.test_//' | cut -c1-140 | head -12
