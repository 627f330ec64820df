package msdkclient

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"
)

// BenchmarkBattleReport posts a hundred reports of 350 bytes over loopback. What the server does is in it.
func BenchmarkBattleReport(b *testing.B) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, `{"ret":0,"msg":"success"}`)
	}))
	defer server.Close()
	c, err := New(Config{BaseURL: server.URL, Timeout: 5 * time.Second, ContentType: "application/x-www-form-urlencoded", MaxConns: 1})
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	reports := slices.Repeat([][]byte{bytes.Repeat([]byte("x"), 350)}, 100)
	b.ReportAllocs()
	for b.Loop() {
		if err := c.BattleReport(b.Context(), testApp, "o1", reports...); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(reports)), "ns/report")
}
