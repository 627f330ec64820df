package msdktest

import (
	"encoding/json"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/battlereport/battlereport/msdkclient"
)

// ServeHTTP answers one call, or what is asked of the stand-in itself.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if isOwn(r) {
		s.serveOwn(w, r)
		return
	}
	began := time.Now()
	req, answer := s.read(r)
	var result any
	if answer == (Answer{}) {
		if answer = req.magic(); answer == (Answer{}) {
			answer = req.ask(*s.rules.Load())
		}
		if answer.Accept || answer == (Answer{}) {
			result, answer = s.accept(req, answer)
		}
	}
	s.Ledger.count(answer)
	e := s.entry(r, req, answer, began)
	s.requests.add(e)
	if s.onRequest != nil {
		s.onRequest(e)
	}
	s.reply(w, req, result, answer)
}

// accept does what the call asks for. The answer is the one that a rule wants, or why it cannot be done.
func (s *Server) accept(req *Request, answer Answer) (result any, _ Answer) {
	result, refusal := s.carryOut(req)
	switch {
	case answer != (Answer{}):
		result = nil
	case refusal != (Answer{}):
		return nil, refusal
	}
	req.notes = s.Leaderboard.add(req.Reports) // first: who hears of a report by OnAccept finds it there
	s.Ledger.accept(req)
	return result, answer
}

// ask puts the request to every rule, and returns the first objection.
func (r *Request) ask(rules []Rule) Answer {
	var first Answer
	for _, rule := range rules {
		if a := rule(r); first == (Answer{}) {
			first = a
		}
	}
	return first
}

func (s *Server) reply(w http.ResponseWriter, req *Request, result any, a Answer) {
	switch a.Fault {
	case Hang:
		req.waitForEnd()
		reset(w)
		return
	case Reset:
		reset(w)
		return
	}
	body, contentType := replyBody(result, a, req.Serial)
	h := w.Header()
	h.Set("Content-Type", contentType)
	if a.RetryAfter != "" {
		h.Set("Retry-After", a.RetryAfter)
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if a.HTTP == http.StatusMethodNotAllowed {
		h.Set("Allow", http.MethodPost)
	}
	if a.HTTP != 0 {
		w.WriteHeader(a.HTTP)
	}
	switch a.Fault {
	case Drip:
		drip(w, req, a.Every, body)
	case Cut:
		_, _ = w.Write(body[:len(body)/2])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler) // closes the connection; a reset might overtake what was sent
	default:
		_, _ = w.Write(body) // a client that has gone is no concern of the server
	}
}

func replyBody(result any, a Answer, serial string) (body []byte, contentType string) {
	switch {
	case a.Body != "":
		return []byte(a.Body), "text/html; charset=utf-8"
	case a.HTTP != 0 && a.HTTP != http.StatusOK && a.Ret == 0:
		return []byte(http.StatusText(a.HTTP)), "text/plain; charset=utf-8" // as a proxy would
	}
	if result == nil {
		result = msdkclient.Status{Ret: a.Ret, Msg: a.msg(), ErrType: a.errType, MSDKExtInfo: serial}
	}
	body, err := json.Marshal(result)
	if err != nil {
		panic(err) // answers are made of numbers and strings
	}
	return body, "application/json; charset=utf-8"
}

// drip writes body a byte at a time.
func drip(w http.ResponseWriter, req *Request, every time.Duration, body []byte) {
	flush := http.NewResponseController(w).Flush
	for i := range body {
		if flush() != nil || !req.Wait(every) {
			reset(w)
			return
		}
		_, _ = w.Write(body[i : i+1])
	}
}

// reset ends the connection with a TCP reset where there is TCP, else by closing it.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
