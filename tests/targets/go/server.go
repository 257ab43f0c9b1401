// SPDX-License-Identifier: ISC

// A server of HTTP, and its own load: sessions that it keeps for a while, documents that it makes and forgets.
//
//	server SECONDS
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"
)

type session struct {
	Id    int
	Seen  time.Time
	Pages map[string][]byte
}

var (
	lock     sync.Mutex
	sessions = map[int]*session{}
)

func serve(w http.ResponseWriter, r *http.Request) {
	id, _ := strconv.Atoi(r.URL.Query().Get("id"))
	lock.Lock()
	s := sessions[id]
	if s == nil {
		s = &session{Id: id, Pages: map[string][]byte{}}
		sessions[id] = s
	}
	s.Seen = time.Now()
	s.Pages[r.URL.Path] = make([]byte, 2000+id%30000)
	lock.Unlock()
	json.NewEncoder(w).Encode(s)
}

// Every two seconds half of them end.
func forget() {
	for range time.Tick(2 * time.Second) {
		lock.Lock()
		for id := range sessions {
			if id%2 == 0 {
				delete(sessions, id)
			}
		}
		lock.Unlock()
	}
}

func load(url string, from int, until time.Time) {
	for i := from; time.Now().Before(until); i += 8 {
		resp, err := http.Get(fmt.Sprintf("%s/page%d?id=%d", url, i%5, i%4000))
		if err == nil {
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
	}
}

func main() {
	seconds, _ := strconv.Atoi(os.Args[1])
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go http.Serve(listener, http.HandlerFunc(serve))
	go forget()
	var all sync.WaitGroup
	until := time.Now().Add(time.Duration(seconds) * time.Second)
	for i := 0; i < 8; i++ {
		all.Add(1)
		go func(i int) {
			load("http://"+listener.Addr().String(), i, until)
			all.Done()
		}(i)
	}
	all.Wait()
	time.Sleep(time.Second)
}
