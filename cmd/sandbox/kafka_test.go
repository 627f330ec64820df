package main

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/battlereport/battlereport/cmd/internal/ledger"
)

// The housekeeping adds to what the group has committed, and may come before the group.
func TestAGroupThatThereIsNotYetHasCommittedAnEmptyMap(t *testing.T) {
	t.Parallel()
	addrs, stop, err := startBroker(defaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	client, err := kgo.NewClient(kgo.SeedBrokers(addrs...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	offsets, err := committed(t.Context(), client, group)
	if err != nil || len(offsets) > 0 {
		t.Fatalf("committed %v, error %v", offsets, err)
	}
	offsets[ledger.Place{}] = 1
}
