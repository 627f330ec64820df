package part

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// sink stands for MSDK in a benchmark. It costs little, since it takes its CPU from the same host: it reads a call to
// its end, finds the ids of the events in it, and accepts. What the real platform checks is msdktest's concern.
type sink struct {
	prefix  []byte // what stands before the number in an event's id
	latency time.Duration
	bodies  sync.Pool // *bytes.Buffer

	mu       sync.Mutex
	expected int64
	tally    Tally
	arrived  map[uint64]time.Time // by event, the first time; nil: nobody wants to know
}

// The paths by which a benchmark speaks to its sink.
const (
	TallyPath   = "/tally"
	ArrivedPath = "/arrived"
	ResetPath   = "/reset"
)

// playSink serves until ctx ends.
func playSink(ctx context.Context, t Task, say func(any) error) error {
	s := &sink{prefix: IDPrefix(t.Run), latency: t.Latency}
	s.bodies.New = func() any { return new(bytes.Buffer) }
	if t.Arrived {
		s.arrived = map[uint64]time.Time{}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen for calls: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /profile/", s.accept)
	mux.HandleFunc("POST /v1/traces", s.collect)
	mux.HandleFunc("GET "+TallyPath, s.tell)
	mux.HandleFunc("GET "+ArrivedPath, s.tellArrived)
	mux.HandleFunc("POST "+ResetPath, s.reset)
	server := &http.Server{Handler: mux}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := say("http://" + listener.Addr().String()); err != nil {
		return err
	}
	if err := server.Serve(listener); ctx.Err() == nil {
		return fmt.Errorf("serve calls: %w", err)
	}
	return nil
}

func (s *sink) accept(w http.ResponseWriter, r *http.Request) {
	came := time.Now()
	body := s.bodies.Get().(*bytes.Buffer)
	defer s.bodies.Put(body)
	body.Reset()
	body.Grow(max(int(r.ContentLength), 0) + bytes.MinRead)
	if _, err := body.ReadFrom(r.Body); err != nil {
		return // the caller has gone
	}
	read := time.Now()
	var seen Checksum
	if s.arrived == nil {
		EachNumber(body.Bytes(), s.prefix, seen.Add)
	} else {
		s.mu.Lock()
		EachNumber(body.Bytes(), s.prefix, func(number uint64) {
			seen.Add(number)
			if _, twice := s.arrived[number]; !twice {
				s.arrived[number] = read
			}
		})
		s.mu.Unlock()
	}
	if s.latency > 0 {
		time.Sleep(s.latency - time.Since(came))
	}
	s.mu.Lock()
	s.tally.note(seen, s.expected, time.Now())
	s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = io.WriteString(w, `{"ret":0,"msg":"success"}`)
}

// collect takes what is traced, as a collector does, and forgets it: what a real one makes of it is not the contestant's
// cost.
func (s *sink) collect(w http.ResponseWriter, r *http.Request) {
	n, err := io.Copy(io.Discard, r.Body)
	if err != nil {
		return // the caller has gone
	}
	s.mu.Lock()
	s.tally.Traced += n
	s.mu.Unlock()
	w.Header().Set("Content-Type", "application/x-protobuf") // an empty message
}

func (s *sink) tell(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	t := s.tally
	s.mu.Unlock()
	_ = json.NewEncoder(w).Encode(t)
}

func (s *sink) tellArrived(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = json.NewEncoder(w).Encode(s.arrived)
}

// reset begins anew, with the number of events to expect.
func (s *sink) reset(w http.ResponseWriter, r *http.Request) {
	expected, err := strconv.ParseInt(r.URL.Query().Get("expect"), 10, 64)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tally, s.expected = Tally{}, expected
	clear(s.arrived)
}
