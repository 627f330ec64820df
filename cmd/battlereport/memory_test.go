package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/traffic"
	"github.com/battlereport/battlereport/consumer/kafkatest"
	"github.com/battlereport/battlereport/msdkclient/msdktest"
)

var (
	memoryBehind = flag.Int("memory.behind", 50_000, "records that the memory test is behind by")
	memoryTime   = flag.Duration("memory.time", 4*time.Second, "how long the memory test looks")
)

// TestMemoryIsBounded starts a process far behind on 64 partitions while the
// platform is down, and looks at its resident memory. By hand one says
//
//	go test ./cmd/battlereport -run MemoryIsBounded -v -timeout 30m -memory.behind 10000000 -memory.time 2m
func TestMemoryIsBounded(t *testing.T) {
	if _, err := os.Stat("/proc/self/status"); err != nil {
		t.Skip("needs /proc to see a process's memory")
	}
	const partitions, bound = 64, 256 << 10 // KiB
	s := newSoakWithout(t, partitions, msdktest.Always(msdktest.Answer{HTTP: 503}))
	g, err := traffic.New(traffic.Config{Seed: *soakSeed, Run: soakRun, Apps: []traffic.App{{ID: soakApp}}, Players: 100_000, Start: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	for sent := 0; sent < *memoryBehind; {
		var records []kafkatest.Record
		for range min(20_000, *memoryBehind-sent) {
			ev := g.Next()
			records = append(records, kafkatest.Record{Topic: s.topic, Partition: partitionOf(ev.Player, partitions), Key: []byte(ev.Player), Value: ev.Value})
		}
		s.Produce(t, records...)
		sent += len(records)
	}
	m := s.start()
	var curve []string
	most := 0
	for end := time.Now().Add(*memoryTime); time.Now().Before(end); time.Sleep(*memoryTime / 20) {
		kib := residentKiB(t, m.cmd.Process.Pid)
		most = max(most, kib)
		curve = append(curve, fmt.Sprint(kib>>10))
	}
	t.Logf("%d records behind on %d partitions, platform down: resident memory at most %d MiB; over %s: %s",
		*memoryBehind, partitions, most>>10, *memoryTime, strings.Join(curve, " "))
	if most > bound {
		t.Errorf("%d KiB resident, want at most %d", most, bound)
	}
	s.stop(m)
}

func residentKiB(t *testing.T, pid int) (kib int) {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(status), "VmRSS:")
	if _, err := fmt.Sscan(rest, &kib); !ok || err != nil {
		t.Fatalf("no VmRSS in the status of process %d: %v", pid, err)
	}
	return kib
}
