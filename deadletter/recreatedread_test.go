package deadletter_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/consumer/kafkatest"
	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/deadletter/resolve"
	"github.com/battlereport/battlereport/deadletter/store"
	"github.com/battlereport/battlereport/deadletter/topic"
)

// hooked connects to the broker, and calls the hook before each of the client's
// requests of that kind that has the text.
func hooked(b *kafkatest.Broker, key kmsg.Key, text string, hook func()) consumer.Connection {
	return consumer.Connection{Brokers: b.Addrs(), Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := b.Dial(ctx, network, address)
		return &hookedConn{c, func(request []byte) {
			if len(request) > 6 && int16(binary.BigEndian.Uint16(request[4:])) == int16(key) && bytes.Contains(request, []byte(text)) {
				hook()
			}
		}}, err
	}}
}

// once calls the hook once, and has whoever comes meanwhile wait for a channel:
// virtual time stands while a mutex is waited for, as [sync.OnceFunc] has them do.
func once(hook func()) func() {
	turn := make(chan struct{}, 1)
	turn <- struct{}{}
	return func() {
		if _, first := <-turn; first {
			defer close(turn)
			hook()
		}
	}
}

type hookedConn struct {
	net.Conn
	before func(request []byte)
}

func (c *hookedConn) Write(p []byte) (int, error) {
	c.before(p)
	return c.Conn.Write(p)
}

// hookedStore opens a store whose connection has a hook.
func (d *desk) hookedStore(key kmsg.Key, text string, hook func()) *store.Store {
	d.t.Helper()
	s, err := store.Open(hooked(d.Broker, key, text, hook), d.topic)
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(s.Close)
	return s
}

// read reads to the end, or to the error.
func read(ctx context.Context, s *store.Store, q deadletter.Query) (entries []deadletter.Entry, err error) {
	for e, err := range s.Letters(ctx, q) {
		if err != nil {
			return entries, err
		}
		entries = append(entries, e)
	}
	return entries, nil
}

func TestATopicMadeAnewWhileItIsReadIsAnError(t *testing.T) {
	for rule, change := range map[string]func(d *desk, topic string){
		"deleted":          func(d *desk, topic string) { d.remove(topic) },
		"made anew, empty": func(d *desk, topic string) { d.recreate(topic, 1, nil) },
		"made anew, with more than it had": func(d *desk, topic string) {
			d.recreate(topic, 1, nil)
			d.fill(topic, "new", 1500)
		},
	} {
		for order, q := range map[string]deadletter.Query{"oldest first": {OldestFirst: true}, "newest first": {}} {
			t.Run(rule+", "+order, func(t *testing.T) {
				d := newDesk(loopback(t, 1, nil))
				d.fill(d.topic, "old", 1000) // many windows
				n := 0
				var failure error
				for e, err := range d.Letters(t.Context(), q) {
					if failure = err; err != nil {
						break
					}
					if string(e.Letter.Key) != "old" {
						t.Fatalf("after %d letters: %s, which is %s", n, e.Name, e.Letter.Key)
					}
					if n++; n == 10 {
						change(d, d.topic)
					}
				}
				expectRecreated(t, failure, d.topic)
			})
		}
	}
}

// fill writes records of 10 KB, which do not compress, with a key.
func (d *desk) fill(topic, key string, n int) {
	d.t.Helper()
	source := rand.NewChaCha8([32]byte{})
	for begin := 0; begin < n; begin += 100 {
		records := make([]kafkatest.Record, 100)
		for i := range records {
			records[i] = kafkatest.Record{Topic: topic, Key: []byte(key), Value: make([]byte, 10_000)}
			_, _ = source.Read(records[i].Value)
		}
		d.Produce(d.t, records...)
	}
}

func TestATopicMadeAnewBetweenTwoRequestsIsAnError(t *testing.T) {
	at := time.Now().Add(-time.Hour)
	const margin = time.Minute // of Filter.Since
	since := deadletter.Query{Filter: deadletter.Filter{Since: at}}
	one := "\x02" // what follows a topic's name in the request if it asks for one partition
	letters := func(q deadletter.Query) func(*desk, *store.Store, deadletter.Entry) error {
		return func(d *desk, s *store.Store, _ deadletter.Entry) error {
			_, err := read(d.t.Context(), s, q)
			return err
		}
	}
	get := func(d *desk, s *store.Store, e deadletter.Entry) error {
		_, err := s.Get(d.t.Context(), e.Name)
		return err
	}
	history := func(d *desk, s *store.Store, e deadletter.Entry) error {
		_, err := s.History(d.t.Context(), e)
		return err
	}
	resolver := func(d *desk, s *store.Store, _ deadletter.Entry) error {
		r, err := resolve.New(d.t.Context(), s, resolve.Run{})
		if err == nil {
			r.Close()
		}
		return err
	}
	for rule, test := range map[string]struct {
		key         kmsg.Key
		resolutions bool // it is the topic of resolutions
		text        string
		act         func(*desk, *store.Store, deadletter.Entry) error
	}{
		"Letters asks for offsets":                     {kmsg.ListOffsets, false, one, letters(oldestFirst)},
		"Letters asks for those since":                 {kmsg.ListOffsets, false, string(binary.BigEndian.AppendUint64(nil, uint64(at.Add(-margin).UnixMilli()))), letters(since)},
		"Letters fetches":                              {kmsg.Fetch, false, "", letters(oldestFirst)},
		"Letters asks for offsets of the resolutions":  {kmsg.ListOffsets, true, one, letters(oldestFirst)},
		"Letters fetches resolutions":                  {kmsg.Fetch, true, "", letters(oldestFirst)},
		"Get asks for offsets":                         {kmsg.ListOffsets, false, one, get},
		"Get fetches":                                  {kmsg.Fetch, false, "", get},
		"Get fetches resolutions":                      {kmsg.Fetch, true, "", get},
		"History asks for offsets of the resolutions":  {kmsg.ListOffsets, true, one, history},
		"History fetches resolutions":                  {kmsg.Fetch, true, "", history},
		"Resolver asks for offsets of the resolutions": {kmsg.ListOffsets, true, one, resolver},
		"Resolver fetches resolutions":                 {kmsg.Fetch, true, "", resolver},
		"Resolver asks for offsets of the letters":     {kmsg.ListOffsets, false, one, resolver},
	} {
		for anew, fill := range map[string]int{"empty": 0, "with more than it had": 100} {
			t.Run(rule+", "+anew, func(t *testing.T) {
				w := loopback(t, 1, nil)
				d := &desk{world: w}
				resolutions := deadletter.ResolutionTopic(w.topic)
				if err := w.CreateTopic(t.Context(), resolutions, 1, nil); err != nil {
					t.Fatal(err)
				}
				d.Store = d.open()
				d.write(letter("old", "1"), letter("old", "2"))
				e := d.all(oldestFirst)[0]
				d.takeBack(resolutions, e.Name.String(), []byte(`{"state":"discarded"}`))
				topic, text := d.topic, test.text
				if test.resolutions {
					topic = resolutions
				}
				if text == one {
					text = topic + one
				}
				if test.key == kmsg.Fetch {
					id := d.uuid(topic)
					text = string(id[:])
				}
				hook := once(func() {
					d.recreate(topic, 1, nil)
					d.fill(topic, "new", fill)
				})
				expectRecreated(t, test.act(d, d.hookedStore(test.key, text, hook), e), topic)
			})
		}
	}
}

func TestATopicMadeAnewWhileWhatRetentionHasDeletedIsPassedOverIsAnError(t *testing.T) {
	d := newDesk(loopback(t, 1, nil))
	d.fill(d.topic, "old", 1000)
	var armed atomic.Bool
	d.Store = d.hookedStore(kmsg.Metadata, d.topic, func() {
		if armed.CompareAndSwap(true, false) {
			d.recreate(d.topic, 1, nil)
			d.fill(d.topic, "new", 1500)
			d.deleteBefore(0, 1200)
		}
	})
	n := 0
	var failure error
	for _, failure = range d.Letters(t.Context(), oldestFirst) {
		if n++; n == 10 {
			d.deleteBefore(0, 900)
			armed.Store(true)
		}
	}
	expectRecreated(t, failure, d.topic)
}

func TestWhoReadsTheFormerTopicIsNotMisledByWhoReadsTheNewOne(t *testing.T) {
	d := newDesk(loopback(t, 1, nil))
	d.fill(d.topic, "old", 1000)
	r := d.resolver("run 1")
	entries := d.all(oldestFirst)
	if _, err := r.Discard(t.Context(), "why", entries[20]); err != nil {
		t.Fatal(err)
	}
	n := 0
	var failure error
	for e, err := range d.Letters(t.Context(), anyState) {
		if failure = err; err != nil {
			break
		}
		if string(e.Letter.Key) != "old" {
			t.Fatalf("%s is %s", e.Name, e.Letter.Key)
		}
		if want := map[bool]deadletter.State{true: deadletter.Discarded, false: deadletter.Pending}[n == 20]; e.State != want {
			t.Errorf("%s of the former topic is %s, want %s", e.Name, e.State, want)
		}
		if n++; n == 10 {
			d.recreate(d.topic, 1, nil)
			d.fill(d.topic, "new", 1000)
			fresh := d.all(anyState)
			if len(fresh) != 1000 || fresh[20].State != deadletter.Pending || string(fresh[20].Letter.Key) != "new" {
				t.Errorf("%d letters of the new topic are read, the 21st is %s", len(fresh), fresh[20].State)
			}
			if _, err := r.Discard(t.Context(), "why", fresh[:5]...); err != nil {
				t.Fatal(err)
			}
			d.all(anyState)
		}
	}
	if n < 21 {
		t.Fatalf("only %d letters were ahead", n)
	}
	expectRecreated(t, failure, d.topic)
}

func TestLettersOfATopicWithAnIdAreNoOthers(t *testing.T) {
	d := newDesk(loopback(t, 1, nil))
	d.write(letters(5, 50)...)
	q := deadletter.Query{TopicID: d.all(oldestFirst)[0].TopicID}
	if entries, err := read(t.Context(), d.Store, q); len(entries) != 5 || err != nil {
		t.Errorf("%d letters, error %v", len(entries), err)
	}
	d.recreate(d.topic, 1, nil)
	if entries, err := read(t.Context(), d.Store, q); len(entries) > 0 || !errors.Is(err, topic.ErrRecreated) {
		t.Errorf("%d letters of the empty topic, error %v", len(entries), err)
	}
	d.write(letters(5, 50)...)
	if entries, err := read(t.Context(), d.Store, q); len(entries) > 0 || !errors.Is(err, topic.ErrRecreated) {
		t.Errorf("%d letters of the new topic, error %v", len(entries), err)
	}
	if entries, err := read(t.Context(), d.Store, deadletter.Query{TopicID: d.id()}); len(entries) != 5 || err != nil {
		t.Errorf("%d letters, error %v", len(entries), err)
	}
}
