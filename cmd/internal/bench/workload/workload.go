// Package workload says what a benchmark's contestants have to do, who they are, and what a sweep makes of it. It does
// none of it: a workload is a value, and so is a point of a sweep.
package workload

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/cmd/internal/words"
)

// The app of all events. The sink takes any.
const (
	AppID  = "wxcde873f99466f74a"
	AppKey = "sandbox-appkey"
)

// The contestants.
const (
	Run     = "run"     // the real pipeline
	Reader  = "reader"  // the path as it is usually written
	Ceiling = "ceiling" // the least there is to do
)

// Workload is what a benchmark's contestants have to do.
type Workload struct {
	Events     int     `json:"events"`
	Partitions int32   `json:"partitions"`
	Players    int     `json:"players"`
	Size       int     `json:"size_bytes"` // of a value, about
	Bad        float64 `json:"bad"`        // share of events that become dead letters
	Batch      int     `json:"max_records"`
	InFlight   int     `json:"max_in_flight"`
	Latency    Millis  `json:"latency_ms"` // of the sink
	Codec      string  `json:"compression"`
	Seed       uint64  `json:"seed"`
	Traces     Traces  `json:"traces,omitempty"`
}

// Default is the workload of a benchmark without flags.
func Default() Workload {
	return Workload{Events: 500_000, Partitions: 8, Players: 100_000, Size: 350, Batch: 100, InFlight: 32, Codec: "none", Seed: 1}
}

// Bound is how many events a second can be posted at most while each call takes the sink's latency; 0: no such bound.
func (w Workload) Bound() float64 {
	if w.Latency == 0 {
		return 0
	}
	batch := min(w.Batch, max(1, int(config.Default().Batch.MaxBytes)/w.Size))
	return float64(w.InFlight*batch) / time.Duration(w.Latency).Seconds()
}

func (w Workload) String() string {
	text := fmt.Sprintf("%s events of about %s bytes, %d partitions, %s players; calls of at most %d events, at most %d at once",
		words.Grouped(w.Events), words.Grouped(w.Size), w.Partitions, words.Grouped(w.Players), w.Batch, w.InFlight)
	if w.Latency > 0 {
		text += fmt.Sprintf(", each taking %s", time.Duration(w.Latency))
	}
	if w.Codec != "none" {
		text += fmt.Sprintf("; compressed with %s", w.Codec)
	}
	switch share, _ := w.Traces.Share(); {
	case share > 0:
		text += fmt.Sprintf("; %g%% of their producers' spans are followed", 100*share)
	case w.Traces.Told():
		text += "; nobody follows their producers' spans"
	}
	if w.Bad > 0 {
		text += fmt.Sprintf("; %g%% of the events are bad", 100*w.Bad)
	}
	return text
}

// Codecs are the compressions of records that Kafka knows.
func Codecs() map[string]kgo.CompressionCodec {
	return map[string]kgo.CompressionCodec{
		"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
		"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	}
}

// CodecNames are those of [Codecs], in their order.
func CodecNames() []string { return slices.Sorted(maps.Keys(Codecs())) }

// Bytes is about what the load takes up in a broker, uncompressed.
func (w Workload) Bytes() int64 {
	const overhead = 40 // a player's key, and what Kafka adds
	return int64(w.Events) * int64(w.Size+overhead)
}

// Millis is a duration that JSON has in milliseconds.
type Millis time.Duration

func (d Millis) MarshalJSON() ([]byte, error) {
	return json.Marshal(float64(d) / float64(time.Millisecond))
}

func (d *Millis) UnmarshalJSON(text []byte) error {
	var ms float64
	if err := json.Unmarshal(text, &ms); err != nil {
		return err
	}
	*d = Millis(ms * float64(time.Millisecond))
	return nil
}
