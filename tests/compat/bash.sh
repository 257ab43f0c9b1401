# shellcheck shell=bash
# SPDX-License-Identifier: ISC
# Bash's own business with processes: job control, traps, pipelines, substitutions, limits.
# known: threads of the shell
# packages: bash coreutils
# timeout: 120
# shellcheck disable=SC2016 # what is quoted is for the inner bash

compat_version() { echo "bash $BASH_VERSION"; }

# Messages of the shell have pids in them, and are padded to their length.
plain() { sed -E 's/\b[0-9]{2,7}\b/PID/g; s/ +/ /g'; }
export -f plain
script() {
	local status
	timeout --foreground 60 bash -c "$1" 2>err
	status=$?
	plain <err >&2
	return $status
}

# said NAME SCRIPT: as a case, in a bash and a folder of its own
said() {
	local folder=$COMPAT_RUN/${1//[!a-z]/_}
	mkdir "$folder" && cd "$folder" && case_of "$1" script "$2"
}

compat_quick() {
	said "pipeline" 'printf "%s\n" c b a | sort | tr a-z A-Z | paste -sd,; echo "${PIPESTATUS[@]}"'
	said "PIPESTATUS" 'true | false | (exit 7) | (exit 0); echo "${PIPESTATUS[@]}"; set -o pipefail; false | true; echo $?'
	said "lastpipe" 'shopt -s lastpipe; echo a b c | read -r x y; echo "$x-$y"'
	said "broken pipe" 'yes | head -n 3; echo "${PIPESTATUS[@]}"'
	said "process substitution in" 'diff <(seq 5) <(seq 2 6); echo $?'
	said "process substitution out" 'seq 1000 | tee >(wc -l >a) >(md5sum >b) >/dev/null; until [ -s a ] && [ -s b ]; do :; done; cat a b'
	said "coproc" 'coproc C { while read -r x; do echo "got $x"; done; }; for i in 1 2 3; do echo $i >&"${C[1]}"; read -r y <&"${C[0]}"; echo "$y"; done; exec {C[1]}>&-; wait; echo $?'
	said "here documents" 'cat <<A - <<<two
one
A'
	said "wait for each" '(exit 3) & a=$!; (exit 4) & b=$!; wait $a; echo $?; wait $b; echo $?; wait $b; echo $?'
	said "wait -n" 'mkfifo f; (read <f; exit 5) & (exit 6) & wait -n; echo $?; echo >f; wait -n; echo $?; wait -n; echo $?'
	said "wait -n -p" 'mkfifo f; (read <f; exit 5) & a=$!; (exit 6) & b=$!; wait -n -p p; echo $? $((p == b)); echo >f; wait -n -p p; echo $? $((p == a))'
	said "wait -f" 'set -m; mkfifo f; (read <f; exit 9) & echo >f; wait -f $!; echo $?'
	said "signals' exit statuses" 'for s in HUP INT TERM KILL USR1 ABRT SEGV; do bash -c "kill -$s \$\$"; echo $s $?; done 2>&1 | plain'
	said "trap TERM" 'trap "echo term; exit 3" TERM; kill $$; echo not here'
	said "trap EXIT in subshells" 'trap "echo outer" EXIT; (trap "echo inner" EXIT; exit 2); echo $?; (exit 3); echo $?'
	said "trap CHLD" 'n=0; set -m; trap "n=\$((n + 1))" CHLD; for i in 1 2 3 4 5; do true & wait; done; echo $n'
	said "trap ERR, DEBUG, RETURN" 'set -E; trap "echo err \$?" ERR; f() { false; return 0; }; f; trap "echo ret" RETURN; g() { :; }; g; declare -t g; g; trap "echo dbg" DEBUG; :'
	said "trap interrupts wait" 'trap "c=caught" USR1; mkfifo f; (read <f) & p=$!; (until [ -e ok ]; do kill -USR1 $$; sleep 0.02; done) & wait $p; echo $? $c; trap "" USR1; touch ok; echo >f; wait $p; echo $?'
	said "ignored signals are inherited" 'trap "" INT TERM; bash -c "kill -INT \$\$; kill -TERM \$\$; trap; echo alive"'
	said "signal masks and handlers of a child" 'grep -E "^Sig(Blk|Ign|Cgt)|^ShdPnd" /proc/self/status'
	said "background kill" 'sleep 100 & kill %1; wait %1; echo $?; sleep 100 & kill -KILL $!; wait $!; echo $?'
	said "kill of a group" 'set -m; mkfifo f g; ((echo >f; exec sleep 100) | (echo >g; exec sleep 100)) & read -r x <f; read -r x <g; kill -TERM -- -$!; wait 2>/dev/null; echo $?; jobs >/dev/null 2>&1'
	said "job control" 'set -m; sleep 100 & jobs -l | plain; kill -STOP %1; until jobs | grep -q Stopped; do :; done; jobs; bg %1 >/dev/null; jobs -r | wc -l; kill %1; wait %1; echo $?'
	said "fg" 'set -m; mkfifo f; (read x <f; echo "read $x"; exit 4) & (sleep 0.2; echo y >f) 2>/dev/null & disown; fg %1 2>/dev/null; echo $?'
	said "suspend and continue" 'set -m; bash -c "kill -STOP \$\$; echo on; exit 5" & until [[ $(jobs) == *Stopped* ]]; do :; done; fg >/dev/null; echo $?'
	said "disown" 'set -m; mkfifo f; (read <f; echo done >d) & disown; jobs; echo >f; until [ -s d ]; do :; done; cat d'
	said "exec" 'exec -a other bash -c "echo \$0"'
	said "exec -c" 'exec -c /usr/bin/env'
	said "exec of a descriptor" 'exec 5>f 6<f; echo hi >&5; read -r x <&6; echo $x; exec 5>&-; echo no >&5; echo $?'
	said "open descriptors" 'ls -l /proc/self/fd | grep -c ^l; exec 9</dev/null; ls /proc/self/fd'
	said "descriptors of a child" 'exec {a}<f0 2>/dev/null; exec {b}>x; exec {c}>y; echo $((c - b)); bash -c "ls /proc/self/fd | wc -l"'
	said "ulimit" 'ulimit -S -n 64; ulimit -n; bash -c "ulimit -n"; ulimit -S -c 0; ulimit -c; ulimit -S -f 1; head -c 5000 /dev/zero >f 2>/dev/null; echo $?; stat -c %s f'
	said "ulimit -t" '(ulimit -S -t 1; while :; do :; done); echo $?'
	said "ulimit -v" 'ulimit -v 200000; bash -c "x=\$(head -c 300000000 /dev/zero | tr \"\\0\" a); echo \${#x}" 2>&1 | sed -E "s/[0-9]+ bytes.*/bytes/;s/line [0-9]*//" | plain'
	said "ulimit -u" 'ulimit -u 4000; ulimit -u; true & wait; echo $?'
	said "times and SECONDS" 'times >/dev/null; echo $((SECONDS < 100))'
	said "TIMEFORMAT" 'TIMEFORMAT="%0P"; { time true; } 2>&1 | grep -c .'
	said "read -t" 'read -t 0.2 x < <(sleep 5); echo $(($? > 128))'
	said "timeout" 'timeout 0.3 sleep 10; echo $?; timeout -s KILL 0.3 sleep 10; echo $?; timeout 5 true; echo $?'
	said "nice" 'nice -n 5 nice; nice -n 19 bash -c "nice"'
	said "nohup" 'nohup bash -c "kill -HUP \$\$; echo survived" 2>/dev/null; cat nohup.out 2>/dev/null'
	said "setsid" 'setsid -w bash -c "ps -o tty= -p \$\$; exit 6"; echo $?'
	said "umask and subshells" 'umask 027; (umask 077; >a); >b; stat -c %a a b'
	said "cd and subshells" 'mkdir -p x/y; (cd x/y; basename "$PWD"); basename "$OLDPWD" ""; cd x; pwd -P | sed "s|.*/||"'
	said "removed folder" 'mkdir d; cd d; rmdir ../d; /bin/pwd; echo $?'
	said "not found, not executable" 'no-such-program; echo $?; touch n; ./n; echo $?; echo "#!/no/such" >s; chmod +x s; ./s; echo $?'
	said "script without a first line" 'echo "echo plain \$1" >s; chmod +x s; ./s x'
	said "orphans are reaped" '(sleep 0.01 &); (true &); wait; echo $?'
	said "children of the shell" 'true; read -r c </proc/$$/task/$$/children; echo "[$c]"'
	said "/dev/tcp" 'exec 3<>/dev/tcp/127.0.0.1/1; echo $?'
	said "mapfile and big variables" 'mapfile -t a < <(seq 20000); echo ${#a[@]} ${a[19999]}; x=$(printf "%s" "${a[@]}"); echo ${#x}'
	said "recursion" 'f() { (( $1 )) && f $(($1 - 1)) || echo bottom; }; f 500'
	said "many subshells" 's=0; for i in {1..300}; do s=$((s + $(echo $i))); done; echo $s'
	said "many jobs" 'for i in {1..60}; do (exit $((i % 7))) & p[i]=$!; done; for i in {1..60}; do wait ${p[i]}; s+=$?; done; echo $s'
	said "xargs -P" 'seq 200 | xargs -P 8 -n 1 echo | sort -n | md5sum'
	said "locks" 'for i in 1 2 3 4 5 6 7 8; do (flock 9; n=$(cat n 2>/dev/null || echo 0); echo $((n + 1)) >n) 9>lock & done; wait; cat n; (flock 8; flock -n lock true; echo $?) 8>lock; flock -n lock echo free'
	said "script of util-linux" 'command -v script >/dev/null && script -qec "tty | sed s/[0-9]*$//; stty size; exit 3" /dev/null </dev/null; echo $?'
}

compat_cases() {
	compat_quick
	said "threads of the shell" 'ls /proc/self/task | wc -l'
	said "a sieve" 'n=20000; for ((i = 2; i * i <= n; i++)); do [ "${c[i]}" ] || for ((j = i * i; j <= n; j += i)); do c[j]=1; done; done; echo $((n - 1 - ${#c[@]}))'
	said "a thousand processes" 'for i in {1..1000}; do /bin/true; done; echo $?'
	said "sort and join" 'seq 300000 | sed "s/$/ a/" | sort -k1,1 >x; seq 1 3 300000 | sed "s/$/ b/" | sort -k1,1 >y; join x y | md5sum; awk "{ s += \$1 } END { print s }" x'
	said "find and tar" 'cd /usr/share/doc && find . -type f | sort | head -n 3000 | tar -cf - --mtime=@0 -T - 2>/dev/null | md5sum'
	said "gzip, xz" 'seq 400000 | tee >(gzip -n | md5sum >g) | xz -T2 | xz -d | md5sum; until [ -s g ]; do :; done; cat g'
}
