# shellcheck shell=bash
# SPDX-License-Identifier: ISC
# Tmux: a daemon that forks twice, terminals, and shells in them.
# packages: tmux
# timeout: 120
# shellcheck disable=SC2016 # what is quoted is for the inner shells

compat_version() { tmux -V; }

t() { tmux -S "$TMPDIR/socket" -f /dev/null "$@"; }

# screen: what the shell's pane shows; until_screen CMD...: waits until CMD accepts that
screen() { t capture-pane -p -t main.0 | sed '/^$/d'; }
until_screen() {
	for _ in {1..500}; do
		! screen | "$@" >/dev/null || return 0
		sleep 0.02
	done
	echo "never shown: $*"
	screen
	return 1
}

# typed COMMAND...: typed into the shell; what the screen then shows, with a new prompt
typed() {
	t send-keys -t main.0 'clear' Enter
	until_screen awk 'END { exit NR != 1 || $0 != "$" }' || return
	t send-keys -t main.0 "$1" Enter
	until_screen awk 'END { exit NR < 2 || $0 != "$" }' && screen
}

compat_cases() {
	export TERM=xterm
	case_of "new session" t new-session -d -s main -x 80 -y 24 'env PS1="\$ " bash --norc --noprofile'
	case_of "the prompt" until_screen grep -Fx '$'
	case_of "send-keys" typed 'echo $((6 * 7)) is it'
	case_of "size" typed 'stty size; echo en"d"'
	case_of "interrupt" typed 'trap "echo stop""ped" INT; sleep 0.1; kill -INT $$'
	t send-keys -t main 'sleep 86411' Enter
	until pgrep -f '^sleep 86411$' >/dev/null; do sleep 0.02; done
	t send-keys -t main C-c
	case_of "C-c ends a program" typed 'echo status ok'
	t send-keys -t main 'sleep 86412' Enter
	until pgrep -f '^sleep 86412$' >/dev/null; do sleep 0.02; done
	t send-keys -t main C-z
	case_of "C-z stops one" typed 'jobs; echo do""ne'
	t send-keys -t main.0 'fg' Enter
	until t list-panes -t main -F '#{pane_current_command}' | grep -qx sleep; do sleep 0.02; done
	t send-keys -t main.0 C-c
	case_of "and fg goes on with it" typed 'jobs; echo do""ne'
	case_of "split" t split-window -t main -d 'printf "pane %s\n" two; exec cat'
	until t list-panes -t main -F '#{pane_current_command}' | grep -qx cat; do sleep 0.02; done
	case_of "two panes" t list-panes -t main -F '#{pane_index} #{pane_width}x#{pane_height} #{pane_current_command}'
	case_of "resize" t resize-window -t main -x 100 -y 30
	# Which tmux tells the terminal a quarter of a second later.
	case_of "its new size" typed 'until [ "$(stty size)" != "12 80" ]; do sleep 0.02; done; stty size'
	case_of "new window" t new-window -t main -d -n second 'exit 0'
	case_of "run-shell" t run-shell "echo ran >$COMPAT_RUN/ran"
	case_is "what it ran" "$(<"$COMPAT_RUN/ran")"
	case_of "if-shell" t if-shell 'false' 'display-message -p yes' 'display-message -p no'
	case_of "pipe-pane" timeout 30 bash -c 'tmux -S "$TMPDIR/socket" pipe-pane -t main.0 -o "cat >$COMPAT_RUN/piped"; tmux -S "$TMPDIR/socket" send-keys -t main.0 "echo into th\"e\" pipe" Enter; until grep -q "into the pipe" "$COMPAT_RUN/piped" 2>/dev/null; do sleep 0.02; done; echo pip"ed"'
	case_of "wait-for" timeout 30 bash -c 'tmux -S "$TMPDIR/socket" wait-for a & tmux -S "$TMPDIR/socket" wait-for -S a; wait; echo $?'
	case_of "buffers" bash -c 'seq 20000 | tmux -S "$TMPDIR/socket" load-buffer - && tmux -S "$TMPDIR/socket" show-buffer | md5sum'
	case_of "control mode" bash -c 'printf "display-message -p hello\nkill-session -t nothing\n" | tmux -S "$TMPDIR/socket" -C attach -t main | grep -c -e ^hello -e ^%error'
	# What it draws is put together as the time has it.
	case_of "a client on a terminal" bash -c 'script -qec "tmux -S $TMPDIR/socket attach -t main \; detach" /dev/null | grep -o "\[detached.*\]"; echo ${PIPESTATUS[0]}'
	case_of "sessions" bash -c 'tmux -S "$TMPDIR/socket" new-session -d -s other cat; tmux -S "$TMPDIR/socket" list-sessions -F "#{session_name} #{session_windows}"'
	case_of "kill-session" t kill-session -t main
	case_of "kill-server" t kill-server
	for _ in {1..500}; do
		t list-sessions 2>&1 | grep -q 'no server running' && break
		sleep 0.02
	done
	case_is "it is gone" "$(t list-sessions 2>&1)"
}

compat_quick() { compat_cases; }
