package consumer

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"time"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
)

// Start says where a partition without a committed offset begins.
type Start int

// Where a partition without a committed offset begins. Latest holds for a topic
// of which the group has committed nothing, and which was there when the group
// came: a partition added later, a topic made later or made anew is taken from
// its first record.
const (
	Earliest Start = iota // at the oldest record still there
	Latest                // at the next record to be written
)

// Config configures a [Consumer]. Brokers, Group and Topics are required.
type Config struct {
	Connection Connection
	Group      string
	Topics     []string // one that does not exist is waited for, beside the others
	Start      Start

	// Once are those of Topics whose records were each asked for, and are to be
	// taken once, whatever group it is that comes: Start is not for them. Where the
	// group has committed nothing it goes on where others have come to, and what it
	// commits is kept for a year where the cluster forgets others' commits after a
	// week without members.
	Once []string

	// Strand tells which records of a partition are deferred together, see
	// [Partition.Defer], by a number that follows from the record alone: it is noted
	// with what is committed, and whoever comes next goes by it. 0: the record is
	// never deferred. Nil: none is. It is called concurrently.
	Strand func(*Record) uint64

	// DrainTimeout is the longest the [Serve] function takes to finish once its
	// context has ended. Other members wait for that in a rebalance.
	DrainTimeout time.Duration

	// FetchBytes limits what is fetched of one partition at a time, and what of
	// it is handed on at a time, or a single record. FetchTotal bounds what has been
	// fetched and not handed on, of all partitions held. A quarter is shared among
	// them for what they fetch, so that with many each fetches less, down to 16 KiB,
	// and a quarter for the records read off that. A quarter is for batches larger
	// than a share, which brokers send whole, and for unpacking, and a quarter for
	// records larger than a share. One batch larger than that is let through at a
	// time, and one such record of each topic. Defaults 1 MiB and 64 MiB.
	FetchBytes, FetchTotal int

	// FetchWait is the longest a fetch waits at the broker for a first record.
	// Default 500 ms.
	FetchWait time.Duration

	// CommitInterval and CommitRecords decide when settled offsets are
	// committed: after that time, or that many records, whichever is first.
	// A crash repeats at most what was settled since. Defaults 250 ms and 2,000.
	CommitInterval time.Duration
	CommitRecords  int

	// SessionTimeout is how long the group's coordinator waits for a member's
	// heartbeat before it gives the member up, and so how soon the others take
	// over from one that has crashed. Default 10 s; brokers bound it, by 6 s and
	// 30 min unless they are told otherwise.
	SessionTimeout time.Duration

	// HeartbeatInterval is how often the coordinator hears of this member, and
	// so the longest until the member hears of a rebalance. Default: a tenth of
	// SessionTimeout.
	HeartbeatInterval time.Duration

	Logger        *slog.Logger         // default slog.Default()
	MeterProvider metric.MeterProvider // default: none
}

// complete checks what is set, and sets what is not.
func (cfg *Config) complete() error {
	switch {
	case len(cfg.Connection.Brokers) == 0:
		return errors.New("consumer: no brokers")
	case cfg.Group == "":
		return errors.New("consumer: no group")
	case len(cfg.Topics) == 0:
		return errors.New("consumer: no topics")
	case cfg.FetchTotal < 0:
		return fmt.Errorf("consumer: fetch %d bytes in all: want 0 or more", cfg.FetchTotal)
	case cfg.FetchBytes < 0 || cfg.FetchBytes > math.MaxInt32:
		return fmt.Errorf("consumer: fetch %d bytes: want 0 to %d", cfg.FetchBytes, math.MaxInt32)
	}
	orDefault(&cfg.DrainTimeout, 20*time.Second)
	orDefault(&cfg.FetchBytes, 1<<20)
	orDefault(&cfg.FetchTotal, 64<<20)
	orDefault(&cfg.FetchWait, 500*time.Millisecond)
	orDefault(&cfg.CommitInterval, 250*time.Millisecond)
	orDefault(&cfg.CommitRecords, 2_000)
	orDefault(&cfg.SessionTimeout, 10*time.Second)
	orDefault(&cfg.HeartbeatInterval, cfg.SessionTimeout/10)
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.MeterProvider == nil {
		cfg.MeterProvider = noop.NewMeterProvider()
	}
	return nil
}

func orDefault[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}
