#!/usr/bin/env bash
# Makes terrarium.db and testbed.db anew; README.md says what for.
#
#   make.sh BINARY
#
# BINARY must be built from commit 16fc4d2, or from what stands for an older version then.
set -euo pipefail
terrarium=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cp "$here/main.tf" "$dir"
cd "$dir"
export TERRARIUM_TESTBED=1 HOME="$dir" NO_COLOR=1

"$terrarium" testbed reset -force -at=2027-03-01T12:00:00Z
"$terrarium" apply -auto-approve -var group=lab-old -var ports=0
"$terrarium" testbed advance 2027-03-01T13:00:00Z
"$terrarium" run -once -var group=lab-old -var ports=0
"$terrarium" testbed advance 2027-03-03T12:00:00Z
"$terrarium" refresh -var group=lab-old -var ports=0

# The service refuses to delete the old group.
kept='{"times":99,"method":"DELETE","effect":{"kind":"answer","status":403,"body":"no"}}'
"$terrarium" testbed settings '{"faults":['"$kept"']}'
! "$terrarium" apply -auto-approve -var ports=0
# Replies are held back after their commit, and the apply is killed before they come; the key pair's request
# is lost on its way.
lost='{"times":99,"method":"POST","path_prefix":"/kvm-tacc/compute","effect":{"kind":"drop_before"}}'
"$terrarium" testbed settings '{"faults":['"$kept,$lost"'],"reply_after":{"min_ms":300,"max_ms":3000,"seed":1}}'
"$terrarium" apply -auto-approve >apply.log 2>&1 &
pid=$!
until [ "$("$terrarium" testbed list | grep -c lab-port-)" -ge 4 ]; do sleep 0.05; done
kill -9 $pid
wait $pid || true
"$terrarium" testbed settings '{"faults":[],"reply_after":null}'
# One file each, without what was deleted.
sqlite3 terrarium.db 'PRAGMA wal_checkpoint(TRUNCATE)' >apply.log
sqlite3 .terrarium/testbed.db 'PRAGMA journal_mode=DELETE; PRAGMA page_size=1024; VACUUM' >apply.log
cp terrarium.db "$here"
cp .terrarium/testbed.db "$here/testbed.db"
chmod 644 "$here"/*.db
