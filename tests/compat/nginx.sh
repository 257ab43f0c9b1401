# shellcheck shell=bash disable=SC2034,SC2086
# SPDX-License-Identifier: ISC
# A master with workers that give up root, under a load; reloaded, with its logs reopened, upgraded
# while it runs, and ended in each way.
# packages: nginx-light apache2-utils curl openssl
# timeout: 300
# long: yes
compat_version() { nginx -v 2>&1; }

compat_setup() {
	mkdir -p html
	seq 1 200000 >html/large
	seq 1 500 >html/small.html
	touch -d 2020-01-01 html/*
	chmod -R a+rX .
	openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -subj /CN=localhost -days 3650
	chmod a+r key.pem
}

# A port that nobody listens at: a second nginx would fail, and tell.
_port() {
	local port=$((20000 + $$ % 10000))
	while (: >"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((port + 1)); done
	echo $port
}
# _conf WORD: what /word answers
_conf() {
	local user=''
	[ "$(id -u)" != 0 ] || user='user nobody nogroup;'
	cat >nginx.conf <<-END
		$user
		worker_processes 2;
		worker_shutdown_timeout 30s;
		pid nginx.pid;
		error_log error.log info;
		thread_pool default threads=4;
		events { worker_connections 256; }
		http {
			access_log access.log;
			types { text/html html; }
			client_body_temp_path tmp; proxy_temp_path tmp; fastcgi_temp_path tmp; uwsgi_temp_path tmp; scgi_temp_path tmp;
			proxy_cache_path cache keys_zone=cache:1m;
			gzip on; gzip_types *;
			server {
				listen 127.0.0.1:$port;
				listen unix:$PWD/tls.sock ssl;
				ssl_certificate $COMPAT_SETUP/cert.pem; ssl_certificate_key $COMPAT_SETUP/key.pem;
				root $COMPAT_SETUP/html;
				location = /word { return 200 "$1\n"; }
				location /threads/ { aio threads; directio 4k; alias $COMPAT_SETUP/html/; }
				location /sendfile/ { sendfile on; alias $COMPAT_SETUP/html/; }
				location /slow/ { limit_rate_after 64k; limit_rate 400k; alias $COMPAT_SETUP/html/; gzip off; }
				location /proxy/ { proxy_pass http://127.0.0.1:$port/; }
				location /cached/ { proxy_pass http://127.0.0.1:$port/; proxy_cache cache; proxy_cache_valid 1h; }
			}
		}
	END
}
# By its path, for it starts itself anew by that.
_nginx() { "$(command -v nginx)" -p "$PWD" -c nginx.conf -e error.log "$@"; }
_get() { curl -s --max-time 60 "$@" "http://127.0.0.1:$port/$path" | cksum; }
_ab() {
	ab -q "$@" >ab.log 2>&1
	echo "$? $(grep -E '^(Complete requests|Failed requests|Non-2xx|HTML transferred)' ab.log | tr -s ' \n' ' ')"
}
_nginx_until() {
	local n
	for ((n = 0; n < 500; n++)); do
		"$@" && return 0
		sleep 0.02
	done
	return 1
}
_answers() { [ "$(curl -s "http://127.0.0.1:$port/word")" = "$1" ]; }
_gone() { ! kill -0 "$1" 2>/dev/null; }
_workers() { pgrep -P "$1" -f '^nginx: worker process$'; }
# The ids of all threads of all workers: nobody's alone.
_worker_ids() {
	local pid
	for pid in $(_workers "$1"); do cat /proc/"$pid"/task/*/status; done | grep -E '^(Uid|Gid|Groups|CapEff|CapPrm):' | sort -u
}
_new_workers() { [ "$(_workers "$1" | wc -l)" = 2 ] && ! _workers "$1" | grep -qxF "$2"; }
_upgraded() { [ -s nginx.pid.oldbin ] && [ -s nginx.pid ] && [ "$(cat nginx.pid)" != "$1" ]; }

compat_cases() {
	local port path master old slow n how
	port=$(_port)
	mkdir tmp cache
	[ "$(id -u)" != 0 ] || chown nobody tmp cache
	_conf one
	case_of "as a daemon" _nginx
	master=$(cat nginx.pid)
	_nginx_until _answers one
	case_is "the server answers" $?
	case_is "it has two workers" "$(_workers $master | wc -l)"
	case_is "their ids" "$(_worker_ids $master)"
	for path in small.html large threads/large sendfile/large proxy/large cached/large cached/large nothing; do
		case_is "$path" "$(_get)"
		case_is "$path, compressed" "$(_get --compressed)"
		case_is "a part of $path" "$(_get -r 1000-1999)"
	done
	case_is "by TLS" "$(curl -sk --unix-socket tls.sock https://localhost/large | cksum)"
	case_is "a load of new connections" "$(_ab -n 3000 -c 20 "http://127.0.0.1:$port/small.html")"
	case_is "a load of kept connections" "$(_ab -k -n 10000 -c 20 "http://127.0.0.1:$port/small.html")"
	case_is "a load of large files by threads" "$(_ab -n 100 -c 10 "http://127.0.0.1:$port/threads/large")"
	case_is "a load through a proxy" "$(_ab -k -n 2000 -c 10 "http://127.0.0.1:$port/proxy/small.html")"

	curl -s "http://127.0.0.1:$port/slow/large" | cksum >slow &
	slow=$!
	old=$(_workers $master)
	_conf two
	kill -HUP $master
	_nginx_until _answers two
	_nginx_until _new_workers $master "$old"
	case_is "reload" "$? $(curl -s "http://127.0.0.1:$port/word")"
	wait $slow
	case_is "what was under way is finished" "$(cat slow)"
	for n in 1 2 3 4 5; do
		kill -HUP $master
		curl -s "http://127.0.0.1:$port/word"
	done >during
	case_is "answers while it reloads" "$(cat during)"
	echo 'nonsense;' >>nginx.conf
	kill -HUP $master
	_nginx_until grep -q 'unknown directive "nonsense"' error.log
	case_is "a configuration that is refused" "$(curl -s "http://127.0.0.1:$port/word")"
	_conf two

	mv access.log access.old
	kill -USR1 $master
	_nginx_until test -e access.log
	case_is "logs are reopened" "$(_nginx_until _logged; echo $?)"
	old=$(_workers $master | head -n 1)
	kill -9 "$old"
	_nginx_until _new_workers $master "$old"
	case_is "a killed worker is replaced" "$? $(grep -c 'exited on signal 9' error.log)"

	_conf three
	kill -USR2 $master
	_nginx_until _upgraded $master
	case_is "a new master" $?
	kill -WINCH $master
	_nginx_until _answers three
	case_is "the new master's workers" "$?"
	old=$master master=$(cat nginx.pid)
	kill -QUIT "$old"
	_nginx_until _gone "$old"
	case_is "the old master's end" $?
	case_is "a load at the new one" "$(_ab -k -n 2000 -c 10 "http://127.0.0.1:$port/small.html")"
	curl -s "http://127.0.0.1:$port/slow/large" | cksum >slow &
	slow=$!
	_nginx_until _logged_slow
	kill -QUIT "$master"
	wait $slow
	case_is "QUIT lets them finish" "$(cat slow)"
	_nginx_until _gone "$master"
	case_is "the new master's end" "$? $(find . -name nginx.pid)"

	for how in QUIT TERM; do
		"$(command -v nginx)" -p "$PWD" -c nginx.conf -e error.log -g 'daemon off;' >>out 2>&1 &
		master=$!
		_nginx_until _answers three
		kill -$how $master
		wait $master
		case_is "ended by $how" $?
	done
	case_of "nginx, once more" _nginx
	_nginx_until _answers three
	case_of "nginx -s reload" _nginx_quiet -s reload
	master=$(cat nginx.pid)
	case_of "nginx -s stop" _nginx_quiet -s stop
	_nginx_until _gone "$master"
	case_is "its end" $?
	case_of "nginx -t" _nginx -t
	case_is "no other complaints" "$(grep -E '\[(alert|crit|emerg)\]' error.log | grep -cvE 'nonsense|signal 9')"
}
_nginx_quiet() { _nginx "$@" 2>>out; }
# Of each worker one will have reopened its file at last.
_logged() {
	curl -s "http://127.0.0.1:$port/word" >/dev/null
	grep -q /word access.log
}
_logged_slow() { [ "$(_workers "$master" | wc -l)" = 2 ]; }
