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
