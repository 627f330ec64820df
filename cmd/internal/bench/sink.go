package bench

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
	marker  []byte // what stands before the number in an event's id
	latency time.Duration
	bodies  sync.Pool // *bytes.Buffer

	mu       sync.Mutex
	expected int64
	tally    tally
	arrived  map[uint64]time.Time // by event, the first time; nil: nobody wants to know
}

// tally is what a sink has accepted.
type tally struct {
	Calls    int64
	Seen     ids
	From, To mark // between these two a contest is in full swing
}

// mark is when a sink had seen how many events.
type mark struct {
	Events int64
	Time   time.Time
}

// edge is the part of the events at each end that does not count for the rate: connections being made, and the last
// batches, which are not full, lingering.
const edge = 0.05

// note takes another call into the tally, of which there will be so many events.
func (t *tally) note(seen ids, expected int64, now time.Time) {
	t.Calls++
	t.Seen.Count += seen.Count
	t.Seen.Sum += seen.Sum
	left := int64(edge * float64(expected))
	if t.From.Time.IsZero() && t.Seen.Count >= left {
		t.From = mark{t.Seen.Count, now}
	}
	if t.To.Time.IsZero() && t.Seen.Count >= expected-left {
		t.To = mark{t.Seen.Count, now}
	}
}

// rate is how many events a second were seen in full swing; 0: there were too few calls to say.
func (t *tally) rate() float64 {
	took := t.To.Time.Sub(t.From.Time)
	if took <= 0 {
		return 0
	}
	return float64(t.To.Events-t.From.Events) / took.Seconds()
}

// ids is a multitude of events' numbers, by their count and a sum that does not depend on their order.
type ids struct {
	Count int64
	Sum   uint64
}

func (s *ids) add(number uint64) {
	s.Count++
	s.Sum += scatter(number)
}

// scatter is the finaliser of SplitMix64: sums of plain numbers come out alike too easily.
func scatter(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// idMarker is what stands in an event before its number.
func idMarker(run string) []byte { return []byte(`"` + run + "-") }

// eachNumber calls f with the number of each event in text.
func eachNumber(text, marker []byte, f func(number uint64)) {
	for {
		i := bytes.Index(text, marker)
		if i < 0 {
			return
		}
		text = text[i+len(marker):]
		number, digits := uint64(0), 0
		for digits < len(text) && '0' <= text[digits] && text[digits] <= '9' {
			number = number*10 + uint64(text[digits]-'0')
			digits++
		}
		if 0 < digits && digits < len(text) && text[digits] == '"' {
			f(number)
		}
	}
}

// The paths by which a benchmark speaks to its sink.
const (
	tallyPath   = "/tally"
	arrivedPath = "/arrived"
	resetPath   = "/reset"
)

// playSink serves until ctx ends.
func playSink(ctx context.Context, t task, say func(any) error) error {
	s := &sink{marker: idMarker(t.Run), latency: t.Latency}
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
	mux.HandleFunc("GET "+tallyPath, s.tell)
	mux.HandleFunc("GET "+arrivedPath, s.tellArrived)
	mux.HandleFunc("POST "+resetPath, s.reset)
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
	var seen ids
	if s.arrived == nil {
		eachNumber(body.Bytes(), s.marker, seen.add)
	} else {
		s.mu.Lock()
		eachNumber(body.Bytes(), s.marker, func(number uint64) {
			seen.add(number)
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
	s.tally, s.expected = tally{}, expected
	clear(s.arrived)
}
