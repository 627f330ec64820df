package resolve_test

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/consumer/kafkatest"
	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/deadletter/resolve"
	"github.com/battlereport/battlereport/deadletter/store"
	"github.com/battlereport/battlereport/deadletter/topic"
)

// The letters that are pending are replayed; to replay one again does nothing.
func Example() {
	broker, err := kafkatest.Run()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer broker.Close()
	if err := replayAll(context.Background(), consumer.Connection{Brokers: broker.Addrs(), Dial: broker.Dial}); err != nil {
		fmt.Println(err)
	}
	// Output:
	// o1 is pending
	// resolved 1, skipped 0
	// resolved 0, skipped 1
	// o1 is replayed
}

func replayAll(ctx context.Context, conn consumer.Connection) error {
	const letters, replays = "battle-reports.dlq", "battle-reports.replay"
	client, err := topic.NewClient(conn)
	if err != nil {
		return err
	}
	defer client.Close()
	for name, settings := range map[string][]topic.Setting{
		letters: deadletter.LetterSettings(), replays: deadletter.LetterSettings(),
		deadletter.ResolutionTopic(letters): deadletter.ResolutionSettings(),
	} {
		if _, err := topic.Ensure(ctx, client, name, "battle-reports", settings...); err != nil {
			return err
		}
	}
	writer, err := deadletter.NewWriter(conn, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer writer.Close()
	if _, err := writer.Write(ctx, letters, deadletter.Letter{
		Key: []byte("o1"), Value: []byte("{}"), Reason: deadletter.Exhausted, Time: time.Now(),
		Source: deadletter.Source{Topic: "battle-reports", Partition: 0, Offset: 42, Time: time.Now()},
	}); err != nil {
		return err
	}

	box, err := store.Open(conn, letters)
	if err != nil {
		return err
	}
	defer box.Close()
	resolver, err := resolve.New(ctx, box, resolve.Run{ID: "7f3a", By: "ann"})
	if err != nil {
		return err
	}
	defer resolver.Close()
	for entry, err := range box.Letters(ctx, deadletter.Query{OldestFirst: true}) {
		if err != nil {
			return err
		}
		fmt.Printf("%s is %s\n", entry.Letter.Key, entry.State)
		for range 2 {
			done, err := resolver.Replay(ctx, resolve.Replay{Entry: entry, Topic: replays})
			if err != nil {
				return err
			}
			fmt.Printf("resolved %d, skipped %d\n", len(done.Resolved), len(done.Skipped))
		}
	}
	for entry, err := range box.Letters(ctx, deadletter.Query{Filter: deadletter.Filter{State: deadletter.Replayed}}) {
		if err != nil {
			return err
		}
		fmt.Printf("%s is %s\n", entry.Letter.Key, entry.State)
	}
	return nil
}
