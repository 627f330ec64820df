package main

import (
	"fmt"
	"net"
	"testing"
)

func TestKafkaThatCannotBeReachedIsSaidFirst(t *testing.T) {
	t.Parallel()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := closed.Addr().String()
	closed.Close()
	path := write(t, "battlereport.yaml", fmt.Sprintf("kafka: {brokers: [%q]}\napps: [{appid: wx1, appkey: k, topics: [t]}]", address))
	export := write(t, "letters.jsonl", `{"name":"t.dlq/0/0","state":"pending","written":"2026-11-22T00:00:00Z","foreign":"x","key":null,"headers":[],"value":""}`)
	for _, args := range [][]string{
		{"stats"},
		{"list"},
		{"export"},
		{"show", "t.dlq/0/0"},
		{"replay", "t.dlq/0/0", "--yes"},
		{"discard", "--reason", "rejected", "--because", "x"},
		{"import", export, "--yes"},
	} {
		want := outcome{exitCannot, "", "battlereport: Kafka at " + address + " cannot be reached: dial tcp " + address + ": connect: connection refused\n"}
		if got := invoke(t, "", append(append([]string{"deadletter"}, args...), "-c", path)...); got != want {
			t.Errorf("%v: %+v", args, got)
		}
	}
}
