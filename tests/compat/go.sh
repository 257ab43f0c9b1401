# shellcheck shell=bash disable=SC2034,SC2016
# SPDX-License-Identifier: ISC
# Go's compiler, a program with cgo (which libc is in) and one without (which is static), and Go's own
# tests of processes, signals and system calls, built both ways.
# packages: golang-go gcc libc6-dev
# timeout: 900
# long: yes
compat_version() { go version; }

_packages="os/exec os/signal os/user syscall os sync net"

compat_setup() {
	local package name
	export GOCACHE=$PWD/cache GOFLAGS=-mod=mod GO111MODULE=off GOPATH=$PWD/path
	cat >main.go <<'END'
package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"sort"
	"strings"
	"sync"
	"syscall"
	"time"
)

func ids() {
	var lines []string
	tasks, _ := os.ReadDir("/proc/self/task")
	for _, t := range tasks {
		text, _ := os.ReadFile("/proc/self/task/" + t.Name() + "/status")
		for _, line := range strings.Split(string(text), "\n") {
			if strings.HasPrefix(line, "Uid:") || strings.HasPrefix(line, "Gid:") || strings.HasPrefix(line, "Groups:") || strings.HasPrefix(line, "CapEff:") {
				lines = append(lines, strings.Join(strings.Fields(line), " "))
			}
		}
	}
	sort.Strings(lines)
	last := ""
	for _, line := range lines {
		if line != last {
			fmt.Println(line)
		}
		last = line
	}
}

func main() {
	switch os.Args[1] {
	case "goroutines":
		var wg sync.WaitGroup
		var mu sync.Mutex
		sum := 0
		ch := make(chan int)
		for i := 0; i < 20000; i++ {
			wg.Add(1)
			go func(i int) { defer wg.Done(); runtime.Gosched(); ch <- i }(i)
		}
		go func() { wg.Wait(); close(ch) }()
		for v := range ch { mu.Lock(); sum += v; mu.Unlock() }
		fmt.Println(sum)
		for i := 0; i < 50; i++ { // each of them is a thread
			wg.Add(1)
			go func() { defer wg.Done(); runtime.LockOSThread(); time.Sleep(20 * time.Millisecond) }()
		}
		wg.Wait()
		h := sha256.New()
		for i := 0; i < 100; i++ { b := make([]byte, 1<<20); b[i] = byte(i); h.Write(b) }
		runtime.GC(); debug.FreeOSMemory()
		fmt.Printf("%x\n", h.Sum(nil))
	case "exec":
		for _, c := range []string{"exit 3", "kill -TERM $$", "kill -9 $$", "echo out; echo err >&2", "ls /proc/self/fd | wc -l", "grep -E '^Sig(Blk|Ign|Cgt)' /proc/self/status"} {
			cmd := exec.Command("sh", "-c", c)
			out, err := cmd.CombinedOutput()
			fmt.Printf("%s: %q %v\n", c, out, err)
		}
		_, err := exec.Command("/nonexistent").Output()
		fmt.Println(err)
		var wg sync.WaitGroup
		sum := make(chan int, 100)
		for i := 0; i < 100; i++ {
			wg.Add(1)
			go func(i int) { defer wg.Done(); c := exec.Command("sh", "-c", fmt.Sprintf("exit %d", i)); c.Run(); sum <- c.ProcessState.ExitCode() }(i)
		}
		wg.Wait(); close(sum)
		s := 0
		for v := range sum { s += v }
		fmt.Println(s)
		cmd := exec.Command("cat")
		cmd.Stdin = bytes.NewReader(make([]byte, 1<<20))
		out, err := cmd.Output()
		fmt.Println(len(out), err)
		cmd = exec.Command("id", "-u")
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWPID | syscall.CLONE_NEWNS, UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}, GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}}
		out, err = cmd.CombinedOutput()
		fmt.Printf("%q %v\n", out, err)
		if os.Getuid() == 0 {
			cmd = exec.Command("id")
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}, Setsid: true, Pdeathsig: syscall.SIGKILL, AmbientCaps: nil}
			out, err = cmd.CombinedOutput()
			fmt.Printf("%q %v\n", out, err)
		}
	case "signals":
		all := make(chan os.Signal, 100)
		signal.Notify(all)
		for _, s := range []syscall.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGTERM, syscall.SIGALRM, syscall.SIGWINCH, syscall.Signal(34), syscall.Signal(50), syscall.Signal(64)} {
			syscall.Kill(os.Getpid(), s)
			for got := range all { if got == s { fmt.Println(int(s)); break } }
		}
		signal.Reset(syscall.SIGTERM)
		syscall.Kill(os.Getpid(), syscall.SIGTERM)
		time.Sleep(time.Minute)
	case "ids":
		if os.Getuid() == 0 {
			for i := 0; i < 10; i++ { go func() { runtime.LockOSThread(); select {} }() }
			time.Sleep(50 * time.Millisecond)
			fmt.Println(syscall.Setgroups([]int{65534}), syscall.Setgid(65534), syscall.Setuid(65534), syscall.Setuid(0))
		}
		ids()
	case "unshare":
		runtime.LockOSThread()
		for _, f := range []int{syscall.CLONE_NEWNS, syscall.CLONE_NEWUTS, syscall.CLONE_NEWIPC, syscall.CLONE_NEWNET, syscall.CLONE_NEWPID, syscall.CLONE_FS, syscall.CLONE_FILES, syscall.CLONE_NEWUSER} {
			fmt.Println(f, syscall.Unshare(f))
		}
	case "net":
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil { fmt.Println(err); return }
		go func() { for { c, err := l.Accept(); if err != nil { return }; go func() { io.Copy(c, c); c.Close() }() } }()
		var wg sync.WaitGroup
		for i := 0; i < 100; i++ {
			wg.Add(1)
			go func() {
				defer wg.Done()
				c, err := net.Dial("tcp", l.Addr().String())
				if err != nil { fmt.Println(err); return }
				c.Write(make([]byte, 10000)); c.(*net.TCPConn).CloseWrite()
				b, _ := io.ReadAll(c)
				if len(b) != 10000 { fmt.Println(len(b)) }
			}()
		}
		wg.Wait()
		a, err := net.LookupHost("localhost")
		fmt.Println(len(a) > 0, err)
	case "profile":
		var b bytes.Buffer
		pprof.StartCPUProfile(&b)
		n := 0
		for end := time.Now().Add(time.Second); time.Now().Before(end); { n++ }
		pprof.StopCPUProfile()
		fmt.Println(b.Len() > 200)
	case "panic":
		panic("at the disco")
	case "nil":
		defer func() { fmt.Println(recover()) }()
		var p *int
		*p = 1
	case "stack":
		debug.SetMaxStack(1 << 20)
		var f func(int) int
		f = func(n int) int { return f(n+1) + 1 }
		f(0)
	case "c":
		fromC()
	}
}
END
	cat >cgo.go <<'END'
//go:build cgo
package main

/*
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
extern void called(int);
static void *thread(void *arg) { called((int)(long)arg); return 0; }
static void threads(int n) { pthread_t t[64]; for (int i = 0; i < n; i++) pthread_create(&t[i], 0, thread, (void *)(long)i); for (int i = 0; i < n; i++) pthread_join(t[i], 0); }
static int forks(int n) { int s = 0, w; for (int i = 0; i < n; i++) { pid_t p = fork(); if (p == 0) _exit(i); waitpid(p, &w, 0); s += WEXITSTATUS(w); } return s; }
static int sys(void) { return system("exit 9"); }
static void crash(void) { *(volatile int *)8 = 1; }
*/
import "C"
import ("fmt"; "os"; "os/user"; "sync/atomic")

var calls int64
//export called
func called(n C.int) { atomic.AddInt64(&calls, int64(n)) }
func fromC() {
	C.threads(50)
	fmt.Println(calls, C.forks(50), C.sys())
	u, err := user.LookupId("65534")
	fmt.Println(u.Username, err)
	if len(os.Args) > 2 { C.crash() }
}
END
	cat >pure.go <<'END'
//go:build !cgo
package main

func fromC() {}
END
	CGO_ENABLED=1 go build -o cgo . && CGO_ENABLED=0 go build -o pure . || return 1
	for package in $_packages; do
		name=${package//\//-}
		CGO_ENABLED=1 go test -c -o "test-$name" "$package" || return 1
	done
	CGO_ENABLED=0 go test -c -o test-exec-pure os/exec && CGO_ENABLED=0 go test -c -o test-syscall-pure syscall || return 1
	CGO_ENABLED=1 go test -race -c -o test-sync-race sync || echo "no race detector"
	chmod -R a+rX .
}

# _go_tests PACKAGE PROGRAM NAME: each of its tests is a case
_go_tests() {
	local root
	root=$(go env GOROOT)
	[ -x "$COMPAT_SETUP/$2" ] && cd "$root/src/$1" || return
	"$COMPAT_SETUP/$2" -test.short -test.v -test.count=1 -test.timeout 300s >"$COMPAT_RUN/tests" 2>&1
	case_is "$3: all of it" $?
	cd "$COMPAT_RUN" || return
	while read -r test result; do case_is "$3: $test" "$result"; done < <(
		sed -nE 's/^ *--- (PASS|FAIL|SKIP): ([^ ]*) .*/\2 \1/p' tests | sort)
}
_go_cases() {
	local how
	for how in goroutines exec signals ids unshare net profile c; do
		case_of "$1: $how" "$COMPAT_SETUP/$1" $how
	done
	for how in panic nil stack; do
		"$COMPAT_SETUP/$1" $how >out 2>err
		case_is "$1: $how" "$? $(cat out) $(grep -E '^(panic|fatal error|runtime:)' err | sed 's/0x[0-9a-f]*//g' | tr '\n' ' ')"
	done
}
compat_cases() {
	local package
	export GOCACHE=$PWD/cache GO111MODULE=off
	_go_cases cgo
	"$COMPAT_SETUP/cgo" c crash >out 2>err
	case_is "cgo: a crash in C" "$? $(grep -c 'SIGSEGV: segmentation violation' err)"
	_go_cases pure
	for package in $_packages; do _go_tests "$package" "test-${package//\//-}" "$package"; done
	_go_tests os/exec test-exec-pure "os/exec without cgo"
	_go_tests syscall test-syscall-pure "syscall without cgo"
	_go_tests sync test-sync-race "sync with the race detector"
	mkdir built
	cp "$COMPAT_SETUP"/*.go built
	case_is "the compiler" "$(cd built && CGO_ENABLED=1 go build -trimpath -o ../again . 2>&1; echo $?; ../again nil)"
	case_is "go vet" "$(cd built && go vet . 2>&1 | tail -n 3; echo "${PIPESTATUS[0]}")"
}
