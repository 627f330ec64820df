package deadletter

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/battlereport/battlereport/consumer"
)

func TestOriginReadsWhatALetterSays(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := Letter{
			Headers: []consumer.Header{header("deadletter.source.topic", "old"), header("a", "1"), header("a", "2")},
			Source: Source{
				Topic:     rapid.StringMatching(`[a-zA-Z0-9._-]{1,240}`).Draw(t, "topic"),
				Partition: rapid.IntRange(0, 1<<31-1).Draw(t, "partition"),
				Offset:    rapid.Int64Min(0).Draw(t, "offset"),
				Time:      rapid.OneOf(rapid.Just(time.Time{}), rapid.Map(rapid.Int64Range(0, 1<<42), func(ms int64) time.Time { return time.UnixMilli(ms).UTC() })).Draw(t, "time"),
			},
			Replays: rapid.IntRange(0, 1000).Draw(t, "replays"),
		}
		if rapid.Bool().Draw(t, "is replayed") {
			l.Previous = Name{l.Source.Topic + ".dlq", 1, rapid.Int64Min(0).Draw(t, "previous")}
		}
		want := Origin{Source: l.Source, Replays: l.Replays, Letter: l.Previous}
		if got, ok := OriginOf(l.allHeaders()); !ok || got != want {
			t.Fatalf("read %v, %v of %v", got, ok, want)
		}
	})
}

func TestOriginRefusesWhatIsNoLetter(t *testing.T) {
	t.Parallel()
	good := func() []consumer.Header { l := full(); return l.allHeaders() }
	if _, ok := OriginOf(good()); !ok {
		t.Fatal("a good one is refused")
	}
	replace := func(key, value string) func([]consumer.Header) []consumer.Header {
		return func(headers []consumer.Header) []consumer.Header {
			headers[slices.IndexFunc(headers, func(h consumer.Header) bool { return h.Key == key })] = header(key, value)
			return headers
		}
	}
	for rule, change := range map[string]func([]consumer.Header) []consumer.Header{
		"no headers at all":             func([]consumer.Header) []consumer.Header { return nil },
		"no topic":                      replace(HeaderSourceTopic, ""),
		"a partition below 0":           replace(HeaderSourcePartition, "-1"),
		"a partition beyond 32 bits":    replace(HeaderSourcePartition, "2147483648"),
		"a partition that is no number": replace(HeaderSourcePartition, "seven"),
		"an offset below 0":             replace(HeaderSourceOffset, "-1"),
		"an offset beyond 64 bits":      replace(HeaderSourceOffset, "9223372036854775808"),
		"a time that is none":           replace(HeaderSourceTimestamp, "yesterday"),
		"a time before Kafka's":         replace(HeaderSourceTimestamp, "1969-12-31T23:59:59.998Z"),
		"a time that UTC cannot write":  replace(HeaderSourceTimestamp, "9999-12-31T23:59:59.999-01:00"),
		"replays below 0":               replace(HeaderReplays, "-1"),
		"replays that are no number":    replace(HeaderReplays, ""),
		"a header doubled": func(h []consumer.Header) []consumer.Header {
			return append(h, header(HeaderSourceOffset, "1099511627776"))
		},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			if origin, ok := OriginOf(change(good())); ok || origin != (Origin{}) {
				t.Errorf("read %v, %v", origin, ok)
			}
		})
	}
	for _, missing := range []string{HeaderSourceTopic, HeaderSourcePartition, HeaderSourceOffset, HeaderReplays} {
		headers := slices.DeleteFunc(good(), func(h consumer.Header) bool { return h.Key == missing })
		if _, ok := OriginOf(headers); ok {
			t.Errorf("without %s it is a letter", missing)
		}
	}
}

// OriginOf reads headers that anybody may write.
func FuzzOriginOf(f *testing.F) {
	f.Add("t", "1", "2", "2026-01-02T03:04:05.678Z", "0")
	f.Add("", "-1", "+2", "2026-01-02T03:04:05+25:00", "99999999999999999999")
	f.Fuzz(func(t *testing.T, topic, partition, offset, at, replays string) {
		origin, ok := OriginOf([]consumer.Header{
			header(HeaderSourceTopic, topic), header(HeaderSourcePartition, partition), header(HeaderSourceOffset, offset),
			header(HeaderSourceTimestamp, at), header(HeaderReplays, replays),
		})
		source := origin.Source
		if ok && (source.Topic == "" || source.Partition < 0 || source.Offset < 0 || origin.Replays < 0) {
			t.Errorf("read %v", origin)
		}
		// What is read is written the same way by the next letter.
		l := Letter{Source: source, Replays: origin.Replays}
		again, okAgain := OriginOf(l.ownHeaders())
		if ok && (!okAgain || again.Replays != origin.Replays || again.Source.Offset != source.Offset || again.Source.Partition != source.Partition) {
			t.Errorf("read %v, and again %v, %v", origin, again, okAgain)
		}
	})
}
