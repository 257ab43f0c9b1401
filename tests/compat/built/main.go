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
	case "fatal":
		var m sync.Mutex
		m.Lock(); m.Lock()
	case "stack":
		debug.SetMaxStack(1 << 20)
		var f func(int) int
		f = func(n int) int { return f(n+1) + 1 }
		f(0)
	case "c":
		fromC()
	}
}
