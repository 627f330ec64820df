// Package preflight tries what a configuration says on what it names: files, schemas, Kafka and the platform. It is the
// command config check --connect.
//
// It goes in the order of the data path, and on after a failure with whatever does not depend on it. It creates nothing,
// produces nothing, commits nothing, joins no group and reports nothing: of a topic to be created it has the brokers say
// whether they would; of the right to join a group it learns by a heartbeat of a member that there is not; of a key, by
// the platform's answer about a token that there is not. (A cluster of which no group has ever asked anything makes its
// own topic of offsets then.) No finding shows a secret.
//
// Each question has a time limit, and so has the whole: [Longest].
package preflight

import (
	"context"
	"net"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/config"
)

// State is how something was found.
type State string

// The states. With a warning run works, and what the warning says may become of it. What was skipped depends on what has
// failed.
const (
	OK      State = "ok"
	Warning State = "warning"
	Failed  State = "failed"
	Skipped State = "skipped"
)

// A Finding is what was found of one thing.
type Finding struct {
	Check   string `json:"check"`   // file, schema, broker, cluster, topic, group, platform, clock, app
	Subject string `json:"subject"` // which one
	State   State  `json:"state"`
	Found   string `json:"found"`        // one line
	Do      string `json:"do,omitempty"` // what to do, where Found does not say it
}

// Options are what checks need beside the configuration. The zero value is fit for use.
type Options struct {
	// DialKafka and DialMSDK open connections; nil means TCP, and for MSDK through the proxy that the environment names.
	DialKafka, DialMSDK func(ctx context.Context, network, address string) (net.Conn, error)
}

const (
	// Longest is how long all checks take at most.
	Longest = 30 * time.Second
	// perQuestion bounds one question that brokers are asked.
	perQuestion = 5 * time.Second
)

// Run makes all checks, and tells each finding, one after the other, as soon as its turn has come.
func Run(ctx context.Context, cfg *config.Config, opts Options, tell func(Finding)) {
	ctx, cancel := context.WithTimeout(ctx, Longest-perQuestion) // the last question may just have begun
	defer cancel()
	platform := make(chan []Finding, 1)
	go func() {
		var found []Finding
		checkPlatform(ctx, cfg, opts, func(f Finding) { found = append(found, f) })
		platform <- found
	}()
	checkFiles(cfg, tell)
	checkSchemas(cfg, tell)
	if !checkKafka(ctx, cfg, opts, tell) {
		tell(Finding{Check: "topics, group", State: Skipped, Found: "not tried, as there is no broker to ask"})
	}
	for _, f := range <-platform {
		tell(f)
	}
}
