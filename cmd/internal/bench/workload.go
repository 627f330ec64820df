package bench

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/cmd/internal/figures"
)

// The app of all events. The sink takes any.
const (
	appID  = "wxcde873f99466f74a"
	appKey = "sandbox-appkey"
)

// workload is what a benchmark's contestants have to do.
type workload struct {
	Events     int     `json:"events"`
	Partitions int32   `json:"partitions"`
	Players    int     `json:"players"`
	Size       int     `json:"size_bytes"` // of a value, about
	Bad        float64 `json:"bad"`        // share of events that become dead letters
	Batch      int     `json:"max_records"`
	InFlight   int     `json:"max_in_flight"`
	Latency    millis  `json:"latency_ms"` // of the sink
	Codec      string  `json:"compression"`
	Seed       uint64  `json:"seed"`
}

func defaultWorkload() workload {
	return workload{Events: 500_000, Partitions: 8, Players: 100_000, Size: 350, Batch: 100, InFlight: 32, Codec: "none", Seed: 1}
}

// bound is how many events a second can be posted at most while each call takes the sink's latency; 0: no such bound.
func (w workload) bound() float64 {
	if w.Latency == 0 {
		return 0
	}
	batch := min(w.Batch, max(1, int(config.Default().Batch.MaxBytes)/w.Size))
	return float64(w.InFlight*batch) / time.Duration(w.Latency).Seconds()
}

func (w workload) String() string {
	text := fmt.Sprintf("%s events of about %s bytes, %d partitions, %s players; calls of at most %d events, at most %d at once",
		figures.Grouped(w.Events), figures.Grouped(w.Size), w.Partitions, figures.Grouped(w.Players), w.Batch, w.InFlight)
	if w.Latency > 0 {
		text += fmt.Sprintf(", each taking %s", time.Duration(w.Latency))
	}
	if w.Codec != "none" {
		text += fmt.Sprintf("; compressed with %s", w.Codec)
	}
	if w.Bad > 0 {
		text += fmt.Sprintf("; %g%% of the events are bad", 100*w.Bad)
	}
	return text
}

// codecs are the compressions of records that Kafka knows.
func codecs() map[string]kgo.CompressionCodec {
	return map[string]kgo.CompressionCodec{
		"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
		"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	}
}

// bytes is about what the load takes up in a broker, uncompressed.
func (w workload) bytes() int64 {
	const overhead = 40 // a player's key, and what Kafka adds
	return int64(w.Events) * int64(w.Size+overhead)
}

// millis is a duration that JSON has in milliseconds.
type millis time.Duration

func (d millis) MarshalJSON() ([]byte, error) {
	return json.Marshal(float64(d) / float64(time.Millisecond))
}

func (d *millis) UnmarshalJSON(text []byte) error {
	var ms float64
	if err := json.Unmarshal(text, &ms); err != nil {
		return err
	}
	*d = millis(ms * float64(time.Millisecond))
	return nil
}
