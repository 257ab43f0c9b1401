#!/bin/bash
# SPDX-License-Identifier: ISC
# Python at work, with threads and subprocesses.
# shellcheck source=tests/lib.sh disable=SC2154
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/cli/collect_lib
. "$SRC/tests/cli/collect_lib"

python=$(command -v python3 && python3 -c 'import sys; print(sys.executable)') || skip_all "no python3"
python=${python##*$'\n'}
cat >work.py <<'END'
import concurrent.futures, hashlib, json, multiprocessing, os, subprocess, sys, threading, time, zlib

def digest(n):
    return hashlib.sha256(zlib.compress(bytes(range(256)) * (500 + n))).hexdigest()

def child(n):
    held = bytearray(20 << 20)
    held[:] = b"x" * len(held)
    time.sleep(0.4)
    return n * n + held[n] - 120

def main():
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        digests = list(pool.map(digest, range(300)))
    print(hashlib.sha256("".join(digests).encode()).hexdigest())
    for method in ("fork", "spawn"):
        with multiprocessing.get_context(method).Pool(3) as pool:
            print(method, pool.map(child, range(6)))
    for words in (["sh", "-c", "echo out; exit 4"], ["cat", "/proc/self/comm"], [sys.executable, "-c", "print(6 * 7)"]):
        done = subprocess.run(words, capture_output=True, text=True)
        print(words[0] if words[0] != sys.executable else "python", done.returncode, repr(done.stdout), repr(done.stderr))
    results = []
    threads = [threading.Thread(target=lambda i=i: results.append(json.loads(json.dumps([i] * 1000))[0])) for i in range(20)]
    for t in threads: t.start()
    for t in threads: t.join()
    print(sorted(results), threading.active_count())
    sys.exit(9)

if __name__ == "__main__":
    main()
END
run "$python" work.py
want="$out $status"
run mstat -q -freq 59 -o python.mstat -- "$python" work.py
is "the same output, the same exit status" "$out $status" "$want"
like "which is the program's" "$status" '^9$'
mstat-decode -what processes python.mstat >processes.tsv
mstat-decode -what samples python.mstat >samples.tsv
ok "forked and spawned ones were seen" test "$(column comm <processes.tsv | grep -c '^python')" -ge 8
ok "some by fork" grep -q 'inside, fork' processes.tsv
ok "threads are counted" test "$(column threads <samples.tsv | most)" -ge 9
is "nobody was refused, nothing dropped" "$(losses python.mstat)" "0 0"
# Python's resource tracker ends a moment after its main process.
ok "the others have ended" test "$(column ended <processes.tsv | grep -c -x 0)" -le 1
ok "three children held 20 MiB each at a time" test "$(summary python.mstat peak_sampled_bytes)" -gt $((60 << 20))
